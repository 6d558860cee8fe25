using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>npm's rhea, which Microsoft's Node SDKs stand on, as a plain peer; and CBS for many devices.</summary>
public sealed class RheaTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PeerStories Stories => new(ClientScript.Rhea, own.Hub);

    [Theory]
    [InlineData(512, false)]
    [InlineData(4096, true)]
    [InlineData(0, true)]
    public Task Peer_SendsAllSizes_ReadsThemBack(int maxFrame, bool tls) => Stories.TransferAsync(maxFrame, tls);

    [Fact]
    public Task Reader_Drains_CreditIsUsedOrHandedBack() => Stories.DrainAsync();

    [Fact]
    public Task Links_DetachAndReattachByName_GoOn() => Stories.ReattachAsync();

    [Fact]
    public Task Device_SilentBeyondItsIdleTimeOut_IsKeptByHeartbeats() => Stories.HeartbeatAsync();

    [Fact]
    public Task Session_WithManyLinks_ServesEach() => Stories.LinksAsync(200);

    [Fact]
    public Task Device_SendsTheBatchedFormat_EachMessageIsAnEvent() => Stories.BatchedAsync();

    [Fact]
    public Task Device_AtAddressesThatAreNotItsOwn_IsRefusedAndGoesOn() => Stories.RefuseAsync();

    [Fact]
    public async Task Tokens_ThatExpire_DetachTheirOwnLinksOnly()
    {
        var hub = own.Hub;
        var devices = await hub.CreateDevicesAsync("expiry", 3, Cancellation);
        // The hub takes a token until five minutes after its end, so one that ended 296 s ago has 4 s left.
        object[] claims = [Claim(devices[0], 3600), Claim(devices[1], -296), Claim(devices[2], -296, renew: true)];
        var (wrongKey, unknown) = (devices[0] with { Key = devices[1].Key }, devices[0] with { Id = "nobody" });
        object[] badTokens = [Claim(devices[0], -600), Claim(wrongKey, 3600), Claim(unknown, 3600)];

        var output = await ClientProcess.RunAsync(ClientScript.Rhea, hub, new
        {
            scenario = "expiry",
            host = hub.Host,
            port = hub.Up.Ports.Amqps,
            tls = true,
            hub = hub.Host,
            devices = claims,
            badTokens,
            renewAfterMs = 1000,
            waitMs = 6000,
            prefix = "e",
        });

        output.WithoutErrors().One("done");
        var statuses = output.Of("token").Select(line => line.Number("status")).ToArray();
        Assert.Equal([200, 200, 200, 200, 401, 401], statuses[..6]);
        Assert.Contains(statuses[6], new long[] { 401, 404 });
        var detached = output.One("detached");
        Assert.Equal(devices[1].Id, detached.Text("deviceId"));
        Assert.Equal("amqp:unauthorized-access", detached.Text("condition"));
        var before = devices.Select(device => $"e-{device.Id}-before");
        Assert.Equal(
            [.. before, $"e-{devices[0].Id}-after", $"e-{devices[2].Id}-after"],
            output.Of("sent").Select(line => line.Text("id")));
        Assert.All(output.Of("sent"), line => Assert.Equal("accepted", line.Text("outcome")));

        static object Claim(TestDevice device, int tokenSeconds, bool renew = false) =>
            new { id = device.Id, resource = device.Resource, key = device.Key, tokenSeconds, renew };
    }
}
