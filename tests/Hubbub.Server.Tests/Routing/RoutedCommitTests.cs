using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Routing;
using Hubbub.Server.Routing;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Routing;

/// <summary>When a message that goes to two streams is accepted, over logs whose commits the test ends.</summary>
public sealed class RoutedCommitTests
{
    private readonly ScriptedLog _a = new(1);
    private readonly ScriptedLog _b = new(1);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Message_IsAcceptedWhenBothCommitsAreDone(bool isFirstDoneFirst)
    {
        await using var hub = await StartAsync();
        var session = await hub.ConnectDeviceAsync("d1");
        var link = await session.TelemetryAsync("d1");

        var id = await link.SendAsync(Values.Message("1"));
        await _b[0].WhenAppendedAsync(1);
        (isFirstDoneFirst ? _a : _b)[0].Commit();
        await session.PingAsync();
        Assert.False(session.Peer.IsSettled(0, id));
        (isFirstDoneFirst ? _b : _a)[0].Commit();

        Assert.IsType<Accepted>(await link.OutcomeAsync(id));
    }

    [Fact]
    public async Task Message_ThatOneStreamRefuses_IsRejected()
    {
        await using var hub = await StartAsync();
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");
        var full = new HubError(HubErrorCode.StorageFull, "The disk is full.");

        var atCommit = await link.SendAsync(Values.Message("1"));
        await _b[0].WhenAppendedAsync(1);
        _a[0].Commit();
        _b[0].Commit(full);
        Assert.IsType<Rejected>(await link.OutcomeAsync(atCommit));
        _b[0].Refusal = full;
        var atOnce = await link.SendAsync(Values.Message("2"));
        Assert.IsType<Rejected>(await link.OutcomeAsync(atOnce));
        _b[0].Refusal = null;
        var again = await link.SendAsync(Values.Message("2"));
        await _b[0].WhenAppendedAsync(2);
        _a[0].Commit();
        _b[0].Commit();

        Assert.IsType<Accepted>(await link.OutcomeAsync(again));
    }

    [Fact]
    public async Task Saturation_OfOneOfTheStreams_HoldsTheSenderBack()
    {
        await using var hub = await StartAsync();
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");

        _b[0].Saturate();
        await link.SendAsync(Values.Message("1"));
        await _b[0].WhenAppendedAsync(1);
        await link.SendAsync(Values.Message("2"));
        Assert.Equal(1, _a[0].Count);
        _b[0].Relieve();

        await _b[0].WhenAppendedAsync(2);
    }

    [Fact]
    public async Task Routes_ThatChangeWhileCommitsAreOpen_LoseNone()
    {
        await using var hub = await StartAsync();
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");

        var both = await link.SendAsync(Values.Message("1"));
        await _b[0].WhenAppendedAsync(1);
        hub.Router.Switch(State(toBoth: false));
        var one = await link.SendAsync(Values.Message("2"));
        await _a[0].WhenAppendedAsync(2);
        _a[0].Commit();
        _b[0].Commit();

        Assert.IsType<Accepted>(await link.OutcomeAsync(both));
        Assert.IsType<Accepted>(await link.OutcomeAsync(one));
        Assert.Equal(1, _b[0].Count);
    }

    private async Task<TestHub> StartAsync()
    {
        var hub = await TestHub.StartAsync(wrap: _ => _a);
        await hub.CreateDeviceAsync("d1");
        hub.Router.Switch(State(toBoth: true));
        return hub;
    }

    private RoutingState State(bool toBoth) => State(toBoth, _a, _b);

    /// <summary>Every message goes to the built-in endpoint, and to one more if that is asked for.</summary>
    internal static RoutingState State(bool toBoth, ScriptedLog builtIn, ScriptedLog other)
    {
        var route = new Route("r", RouteSource.DeviceMessages, "true", "events");
        var configuration = new RoutingConfiguration
        {
            Endpoints = [new RouteEndpoint("b", "b-1", DateTimeOffset.UnixEpoch, EventStreamOptions.ForReaders)],
            Routes = toBoth ? [route, route with { Name = "s", Endpoint = "b" }] : [route],
        };
        return new RoutingState(
            RouteTable.Compile(configuration).Value, [new RouteTarget("events", builtIn, null), new RouteTarget("b", other, null)]);
    }
}
