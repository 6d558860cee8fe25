using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// <c>hubbub trust</c> changes the system's store, which here is a copy in a mount namespace of its own. Where this
/// process may not make one, the tests tell the story of a user who may not change the store.
/// </summary>
public sealed class CliTrustTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private const string Store = "/usr/local/share/ca-certificates";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private static readonly string[] Programs = ["curl", "openssl", "python", "dotnet"];

    [Fact]
    public async Task Trust_AsRoot_IsBelievedByEveryProgram_UntilItIsRemoved()
    {
        if (!Environment.IsPrivilegedProcess || (await RunAsync("unshare", "--mount", "true")).ExitCode != 0)
        {
            await TellOfUserAsync();
            return;
        }

        var lines = (await RunAsync(
            "unshare", "--mount", "bash", Path.Combine(Workspace.Clients, "trust_store.sh"),
            Workspace.Hubbub, own.Hub.Data, $"{own.Hub.Host}:{own.Hub.Up.Ports.Https}")).Done().Lines;

        Assert.All(Programs, program =>
        {
            Assert.Contains($"before {program} refuses", lines);
            Assert.Contains($"installed {program} trusts", lines);
            Assert.Contains($"removed {program} refuses", lines);
        });
        Assert.Equal(
            [
                $"said: This machine now trusts {Name} ({InStore}).",
                $"said: This machine trusts {Name} no more ({InStore} is removed).",
                $"again: This machine did not trust {Name} ({InStore} is not there).",
            ],
            lines.Where(line => line.StartsWith("said:", StringComparison.Ordinal) || line.StartsWith("again:", StringComparison.Ordinal)));
        Assert.Equal(["mode 644", "store as before", "left nothing"], lines.Where(line => line.Split(' ')[0] is "mode" or "store" or "left"));
        Assert.False(File.Exists(InStore), "the machine's own store was changed");
    }

    [Fact]
    public Task Trust_WithoutRoot_PrintsTheLineThatDoesIt_AndChangesNothing() => TellOfUserAsync();

    [Fact]
    public async Task Trust_OfADirectoryWithoutAuthority_IsRefused()
    {
        var folder = Directory.CreateTempSubdirectory("hubbub-trust-").FullName;

        (await Cli.RunBareAsync("trust", "--print", "--data", folder)).Refused(folder, "hubbub up");
        (await Cli.RunBareAsync("trust", "--remove", "--print", "--data", folder)).Refused(folder);
        Directory.Delete(folder);
    }

    private string InStore => $"{Store}/hubbub-{Authority.Thumbprint[..8].ToLowerInvariant()}.crt";

    private string Name => Authority.GetNameInfo(X509NameType.SimpleName, forIssuer: false);

    private X509Certificate2 Authority => field ??= own.Hub.CaCertificate();

    /// <summary>A user who is not root: root in this namespace is nobody, or else only asks what it would do.</summary>
    private async Task TellOfUserAsync()
    {
        var isNobody = !Environment.IsPrivilegedProcess;
        string[] asNobody = [];
        if (!isNobody && (await RunAsync("unshare", "--user", "true")).ExitCode == 0)
            (isNobody, asNobody) = (true, ["unshare", "--user"]);

        var add = await TrustAsync([], asNobody, isNobody);
        var remove = await TrustAsync(["--remove"], asNobody, isNobody);

        if (Directory.Exists(Store))
        {
            Assert.Contains(
                $"sudo install -m 644 {own.Hub.Up.CaCertificate} {InStore} && sudo update-ca-certificates", add.Lines);
            Assert.Contains($"sudo rm {InStore} && sudo update-ca-certificates --fresh", remove.Lines);
        }
        Assert.Contains($"export NODE_EXTRA_CA_CERTS={own.Hub.Up.CaCertificate}", add.Lines);
        Assert.Contains(
            $"curl --cacert {own.Hub.Up.CaCertificate} https://{own.Hub.Host}:{own.Hub.Up.Ports.Https}/healthz", add.Lines);
        Assert.False(File.Exists(InStore), "the machine's own store was changed");
        if (isNobody)
            Assert.All([add, remove], result => Assert.Contains("Nothing was changed", result.Error, StringComparison.Ordinal));
    }

    private async Task<CliResult> TrustAsync(string[] options, string[] asNobody, bool isNobody) => (await RunAsync(
        [.. asNobody, Workspace.Hubbub, "trust", "--data", own.Hub.Data, .. options, .. isNobody ? [] : new[] { "--print" }])).Done();

    private static async Task<CliResult> RunAsync(params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var cancellation = TestContext.Current.CancellationToken;
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var error = process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation).WaitAsync(Limit, cancellation);
        return new CliResult(process.ExitCode, (await output).TrimEnd('\n'), (await error).TrimEnd('\n'));
    }
}
