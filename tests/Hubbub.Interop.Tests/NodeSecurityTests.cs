using System.Text.Json;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// Microsoft's device SDK for Node with certificates, and what it sees when an operator takes its right away while it
/// sends: at once, and as the error that it knows.
/// </summary>
[Collection(StandardPorts.Name)]
public sealed class NodeSecurityTests(StandardHub standard)
{
    /// <summary>The hub is done within a second, which its own tests show; a busy machine lets the client see it later.</summary>
    private static readonly TimeSpan s_promise = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SelfSigned_ByThumbprint_Sends(bool webSocket)
    {
        var hub = standard.Hub;
        var certificate = TestCertificate.SelfSigned("any");
        await hub.PutX509DeviceAsync($"node-pinned-{webSocket}", certificate.Thumbprint, Cancellation);

        Assert.Single((await SendAsync($"node-pinned-{webSocket}", certificate, webSocket)).Of("sent"));
        var stranger = await SendAsync($"node-pinned-{webSocket}", TestCertificate.SelfSigned("any"), webSocket);
        Assert.Equal("UnauthorizedError", stranger.One("refused").Text("name"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CaSigned_BelowAnIntermediate_Sends(bool webSocket)
    {
        var hub = standard.Hub;
        var id = $"node-ca-{webSocket}";
        var root = TestCertificate.Root($"root {id}");
        var plant = root.Intermediate("plant");
        var file = Path.Combine(hub.Data, $"{id}.pem");
        await File.WriteAllTextAsync(file, root.Certificate + "\n" + root.Key, Cancellation);
        (await Cli.RunAsync(hub, "ca", "add", file)).Done();
        await hub.PutX509DeviceAsync(id, null, Cancellation);

        Assert.Single((await SendAsync(id, plant.Leaf(id), webSocket)).Of("sent"));
        var other = await SendAsync(id, plant.Leaf("somebody-else"), webSocket);
        Assert.Equal("UnauthorizedError", other.One("refused").Text("name"));
        (await Cli.RunAsync(hub, "ca", "remove", file)).Done();
        Assert.Equal("UnauthorizedError", (await SendAsync(id, plant.Leaf(id), webSocket)).One("refused").Text("name"));
    }

    [Theory]
    [InlineData("disable", "UnauthorizedError")]
    [InlineData("delete", "DeviceNotFoundError")]
    [InlineData("new keys", "UnauthorizedError")]
    public async Task DeviceWithAKey_TakenAwayWhileItSends_IsToldWithinASecond(string what, string error)
    {
        var hub = standard.Hub;
        var device = await hub.CreateDeviceAsync($"node-held-{what.Replace(' ', '-')}", Cancellation);
        await using var client = await HoldAsync(new { scenario = "hold", connectionString = device.ConnectionString });
        await client.WaitForAsync("sent");

        var started = TimeProvider.System.GetUtcNow();
        if (what == "delete")
            (await Cli.RunAsync(hub, "device", "delete", device.Id)).Done();
        else if (what == "disable")
            (await Cli.RunAsync(hub, "device", "disable", device.Id)).Done();
        else
            await hub.SendAsync(HttpMethod.Put, $"/devices/{device.Id}", NewKeys(device.Id), Cancellation, "\"*\"");
        var done = TimeProvider.System.GetUtcNow();

        AssertRefused(await client.WaitForAsync("refused"), error, started, done);
    }

    [Theory]
    [InlineData("thumbprint")]
    [InlineData("authority")]
    public async Task DeviceWithACertificate_TakenAwayWhileItSends_IsToldWithinASecond(string what)
    {
        var hub = standard.Hub;
        var id = $"node-held-{what}";
        var root = TestCertificate.Root($"root {id}");
        var certificate = what == "thumbprint" ? TestCertificate.SelfSigned("x") : root.Leaf(id);
        await hub.SendAsync(HttpMethod.Put, $"/hubbub/certificates/{id}", new { certificate = root.Certificate }, Cancellation);
        await hub.PutX509DeviceAsync(id, what == "thumbprint" ? certificate.Thumbprint : null, Cancellation);
        await using var client = await HoldAsync(Request("hold", id, certificate, false));
        await client.WaitForAsync("sent");

        var started = TimeProvider.System.GetUtcNow();
        if (what == "thumbprint")
            await hub.PutX509DeviceAsync(id, new string('A', 64), Cancellation, isUpdate: true);
        else
            (await Cli.RunAsync(hub, "ca", "remove", id)).Done();
        var done = TimeProvider.System.GetUtcNow();

        AssertRefused(await client.WaitForAsync("refused"), "UnauthorizedError", started, done);
    }

    private static void AssertRefused(JsonElement line, string error, DateTimeOffset started, DateTimeOffset done)
    {
        Assert.Equal(error, line.Text("name"));
        var at = DateTimeOffset.FromUnixTimeMilliseconds(line.Number("at"));
        Assert.InRange(at, started - TimeSpan.FromMilliseconds(1), done + s_promise);
    }

    private static object NewKeys(string id)
    {
        var key = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        return new
        {
            deviceId = id,
            authentication = new { type = "sas", symmetricKey = new { primaryKey = key, secondaryKey = key } },
        };
    }

    private object Request(string scenario, string id, TestCertificate certificate, bool webSocket) => new
    {
        scenario,
        connectionString = $"HostName={standard.Hub.Host};DeviceId={id};x509=true",
        cert = certificate.Chain,
        key = certificate.Key,
        webSocket,
    };

    private Task<ClientOutput> SendAsync(string id, TestCertificate certificate, bool webSocket) =>
        ClientProcess.RunAsync(ClientScript.IotSecurity, standard.Hub, Request("send", id, certificate, webSocket));

    private Task<ClientProcess> HoldAsync(object request) =>
        ClientProcess.StartAsync(ClientScript.IotSecurity, standard.Hub, request);
}
