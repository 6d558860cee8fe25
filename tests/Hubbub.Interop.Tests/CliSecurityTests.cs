using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>Policies, CAs and certificates by command line, as an operator manages them.</summary>
public sealed class CliSecurityTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private HubProcess Hub => own.Hub;

    [Fact]
    public async Task Policy_AddedRegeneratedRemoved_ShowsKeysToThoseWhoAsk()
    {
        (await RunAsync("policy", "add", "watcher", "--rights", "ServiceConnect,RegistryRead")).Done();
        var before = (await RunAsync("policy", "list", "--json", "--show-keys")).Json.Single(each => each.Text("name") == "watcher");
        (await RunAsync("policy", "regenerate", "watcher", "--key", "secondary")).Done();
        var after = (await RunAsync("policy", "list", "--json", "--show-keys")).Json.Single(each => each.Text("name") == "watcher");

        Assert.Equal("""["RegistryRead","ServiceConnect"]""", after.GetProperty("rights").GetRawText());
        Assert.Equal(before.Text("primaryKey"), after.Text("primaryKey"));
        Assert.NotEqual(before.Text("secondaryKey"), after.Text("secondaryKey"));
        Assert.All((await RunAsync("policy", "list", "--json")).Json, each => Assert.Null(each.Text("primaryKey")));
        Assert.Contains(
            after.Text("primaryKey")!, (await RunAsync("connection-string", "--policy", "watcher")).Done().Output, StringComparison.Ordinal);

        (await RunAsync("policy", "remove", "watcher")).Done();
        (await RunAsync("connection-string", "--policy", "watcher")).Refused("watcher");
        (await RunAsync("policy", "remove", "watcher")).Refused("watcher");
        (await RunAsync("policy", "remove", "iothubowner")).Refused("iothubowner", "regenerate");
    }

    [Fact]
    public async Task OwnersKey_Regenerated_TheCommandLineGoesOn()
    {
        var before = (await RunAsync("connection-string")).Done().Output;
        (await RunAsync("policy", "regenerate", "iothubowner", "--key", "primary")).Done();

        Assert.NotEqual(before, (await RunAsync("connection-string")).Done().Output);
        (await RunAsync("device", "list")).Done();
    }

    [Fact]
    public async Task Ca_AddedListedRemoved_ByNameAndByFile()
    {
        var root = TestCertificate.Root("cli root");
        var file = Path.Combine(Hub.Data, "plant ca.pem");
        await File.WriteAllTextAsync(file, root.Certificate + "\n" + root.Key, TestContext.Current.CancellationToken);

        (await RunAsync("ca", "add", file)).Done();
        (await RunAsync("ca", "add", file)).Done();
        (await RunAsync("ca", "add", file, "--name", "other")).Refused("plant-ca");
        var listed = Assert.Single((await RunAsync("ca", "list", "--json")).Json, each => each.Text("name") == "plant-ca");
        Assert.Equal("CN=cli root", listed.Text("subject"));
        Assert.DoesNotContain("PRIVATE", listed.Text("certificate"), StringComparison.Ordinal);
        (await RunAsync("ca", "remove", file)).Done();
        (await RunAsync("ca", "remove", "plant-ca")).Refused("plant-ca");

        var leaf = TestCertificate.SelfSigned("no ca").Write(Hub.Data);
        (await RunAsync("ca", "add", leaf.Certificate)).Refused("CA");
        (await RunAsync("ca", "add", file + ".missing")).Refused("missing");
    }

    [Fact]
    public async Task Device_CreatedWithCertificates_IsRegisteredByTheirThumbprints()
    {
        var (first, second) = (TestCertificate.SelfSigned("a"), TestCertificate.SelfSigned("b"));
        var (firstFile, secondFile) = (first.Write(Hub.Data).Certificate, second.Write(Hub.Data).Certificate);

        var created = (await RunAsync(
            "device", "create", "cli-pinned", "--certificate", firstFile, "--certificate", secondFile, "--json")).Json.Single();
        var line = (await RunAsync("device", "create", "cli-ca", "--ca-signed")).Done().Output;

        var thumbprints = created.GetProperty("authentication").GetProperty("x509Thumbprint");
        Assert.Equal(first.Thumbprint, thumbprints.Text("primaryThumbprint"));
        Assert.Equal(second.Thumbprint, thumbprints.Text("secondaryThumbprint"));
        Assert.EndsWith("DeviceId=cli-ca;x509=true", line, StringComparison.Ordinal);
    }

    private Task<CliResult> RunAsync(params string[] arguments) => Cli.RunAsync(Hub, arguments);
}
