using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Amqp;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>The command line as its readers use it: every verb is a process of its own against a running hub.</summary>
public sealed class CliTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private HubProcess Hub => own.Hub;

    [Fact]
    public async Task Device_CreatedShownDisabledEnabledDeleted_IsWhatTheVerbsSay()
    {
        var created = (await RunAsync("device", "create", "cli-life", "--json")).Json.Single();
        var shown = (await RunAsync("device", "show", "cli-life", "--json")).Json.Single();
        var key = shown.GetProperty("authentication").GetProperty("symmetricKey").Text("primaryKey")!;
        var device = new TestDevice("cli-life", key, shown.Text("generationId")!, Hub.Host);
        var connectionString = (await RunAsync("connection-string", "--device", "cli-life")).Done().Output;
        await SendOneAsync(device);

        (await RunAsync("device", "disable", "cli-life")).Done();
        await Assert.ThrowsAnyAsync<AmqpException>(() => SendOneAsync(device));
        (await RunAsync("device", "enable", "cli-life")).Done();
        await SendOneAsync(device);
        (await RunAsync("device", "delete", "cli-life")).Done();
        await Assert.ThrowsAnyAsync<AmqpException>(() => SendOneAsync(device));

        Assert.Equal("cli-life", created.Text("deviceId"));
        Assert.Equal("enabled", shown.Text("status"));
        Assert.Equal(32, Convert.FromBase64String(key).Length);
        Assert.Equal(device.ConnectionString, connectionString);
        (await RunAsync("device", "show", "cli-life")).Refused("cli-life");
    }

    [Fact]
    public async Task Devices_AreListed_EachOnItsLine()
    {
        await Hub.CreateDevicesAsync("cli-list", 3, Cancellation);

        var listed = (await RunAsync("device", "list", "--json")).Json;

        var ids = listed.Select(line => line.Text("deviceId")!)
            .Where(id => id.StartsWith("cli-list-", StringComparison.Ordinal));
        Assert.Equal(["cli-list-1", "cli-list-2", "cli-list-3"], ids);
    }

    [Fact]
    public async Task ConnectionStrings_AreThoseThatTheHubAnnounced()
    {
        var owner = (await RunAsync("connection-string")).Done().Output;
        var service = (await RunAsync("connection-string", "--policy", "service")).Done().Output;
        var events = (await RunAsync("connection-string", "--eventhubs")).Done().Output;

        Assert.Equal(Hub.Up.ConnectionStrings["iothubowner"], owner);
        Assert.Equal(Hub.Up.ConnectionStrings["service"], service);
        Assert.Equal(Hub.Up.EventHubs["service"], events);
        (await RunAsync("connection-string", "--policy", "nobody")).Refused("nobody");
    }

    [Fact]
    public async Task Send_ThenTail_ShowsTheEventsWithTheirProperties()
    {
        var device = await Hub.CreateDeviceAsync("cli-send", Cancellation);
        await using var service = await NetLitePeer.OpenServiceAsync(Hub);
        // Devices of other tests may lie in the same partition.
        var before = (int)await service.LastSequenceAsync(Hub, device.Partition) + 1;

        string[] options = ["-p", "unit=C", "-p", "line=7", "--content-type", "application/json", "--count", "3"];
        (await RunAsync(["send", device.Id, """{"n":1}""", .. options])).Done();
        var all = (await TailAsync(device, "start", before + 3)).Json[before..];
        var second = all[1].Number("sequenceNumber").ToString(CultureInfo.InvariantCulture);
        var later = (await TailAsync(device, second, 2)).Json;
        var recent = (await TailAsync(device, "15m", before + 3)).Json[before..];

        var sequences = all.Select(line => line.Number("sequenceNumber")).ToArray();
        Assert.Equal([sequences[0], sequences[0] + 1, sequences[0] + 2], sequences);
        Assert.Equal(sequences[1..], later.Select(line => line.Number("sequenceNumber")));
        Assert.Equal(sequences, recent.Select(line => line.Number("sequenceNumber")));
        Assert.All(all, line =>
        {
            Assert.Equal(device.Partition, line.Text("partition"));
            Assert.Equal(device.Id, line.Text("deviceId"));
            Assert.Equal("application/json", line.Text("contentType"));
            Assert.Equal("C", line.Of("properties", "unit"));
            Assert.Equal("7", line.Of("properties", "line"));
            Assert.Equal("1", line.Of("body", "n"));
        });
    }

    [Fact]
    public async Task Verbs_ThatAreRefused_SayWhatAndWhyInOneLine()
    {
        await Hub.CreateDeviceAsync("cli-twice", Cancellation);

        (await RunAsync("device", "create", "cli-twice")).Refused("cli-twice", "exist");
        (await RunAsync("device", "create", "not valid")).Refused("not valid");
        (await RunAsync("send", "cli-nobody", "x")).Refused("cli-nobody");
        (await RunAsync("tail", "--partition", "77", "--count", "1")).Refused("77");
        (await Cli.RunBareAsync("device", "list", "--data", "/nonexistent/hub")).Refused("/nonexistent/hub");
        Assert.Equal(2, (await RunAsync("device", "create")).ExitCode);
        Assert.Equal(2, (await RunAsync("frobnicate")).ExitCode);
    }

    [Fact]
    public async Task Trust_Printed_NamesTheAuthorityThatSignedTheHubsCertificate()
    {
        var printed = (await RunAsync("trust", "--print")).Done().Output;

        Assert.Contains(Hub.Up.CaCertificate, printed, StringComparison.Ordinal);
        Assert.Contains($"NODE_EXTRA_CA_CERTS={Hub.Up.CaCertificate}", printed, StringComparison.Ordinal);
        using var authority = X509CertificateLoader.LoadCertificateFromFile(Hub.Up.CaCertificate);
        Assert.Equal(authority.Subject, authority.Issuer);
    }

    [Fact]
    public async Task ConsumerGroup_CreatedByAVerb_CanBeReadFrom()
    {
        var device = await Hub.CreateDeviceAsync("cli-group", Cancellation);
        await SendOneAsync(device);
        await using var service = await NetLitePeer.OpenServiceAsync(Hub);
        var last = await service.LastSequenceAsync(Hub, device.Partition);

        (await RunAsync("consumer-group", "create", "second-view")).Done();
        var reader = service.OpenReader(Hub, device.Partition, last - 1, "group-reader", "second-view");
        reader.SetCredit(1);
        using var message = await reader.ReceiveAsync(TimeSpan.FromSeconds(10));

        Assert.Equal("one", message?.Properties.MessageId);
        var groups = (await RunAsync("consumer-group", "list", "--json")).Json.Select(line => line.Text("name"));
        Assert.Equal(["$Default", "second-view"], groups);
    }

    private Task<CliResult> TailAsync(TestDevice device, string from, int count) =>
        RunAsync("tail", "--partition", device.Partition, "--from", from, "--count", $"{count}", "--json");

    private Task<CliResult> RunAsync(params string[] arguments) => Cli.RunAsync(Hub, arguments);

    private async Task SendOneAsync(TestDevice device)
    {
        await using var peer = await NetLitePeer.OpenDeviceAsync(Hub, device);
        await peer.SendAsync("one", [1]);
    }
}
