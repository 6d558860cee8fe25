using System.Text;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Tests;

public sealed class EventReaderTests
{
    [Fact]
    public async Task Read_OnePartition_GivesEveryPartOfTheEvent()
    {
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub);
        await using var subscription = await reader.SubscribeAsync(EventPosition.Start, ["1"], Some.Patience);

        Assert.True(hub.Last.TrySendEvent("1", Some.Event(42, "hello")));

        await using var events = subscription.GetAsyncEnumerator(Some.Patience);
        Assert.True(await events.MoveNextAsync());
        var received = events.Current;
        Assert.Equal("1", received.PartitionId);
        Assert.Equal(42, received.SequenceNumber);
        Assert.Equal("4200", received.Offset);
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(42), received.EnqueuedTime);
        Assert.Equal("d1", received.DeviceId);
        Assert.Null(received.ModuleId);
        Assert.Equal("hello", Encoding.UTF8.GetString(received.Body.Span));
        Assert.Equal("text/plain", received.ContentType);
        Assert.Equal("m1", received.MessageId);
        Assert.Equal("yes", received.Properties["alarm"]);
        Assert.Equal(7, received.Properties["level"]);
        Assert.Equal("Telemetry", received.SystemProperties["iothub-message-source"]);
        Assert.DoesNotContain("x-opt-offset", received.SystemProperties.Keys);
    }

    [Fact]
    public async Task Read_ByAServicesConnectionString_FollowsTheRedirect()
    {
        var hub = new FakeHub
        {
            OnAttach = attach => attach.Source is Source { Address: { } address } && address.TextEquals("/messages/events/$management")
                ? FakeHub.Redirect("ns.example", 5671)
                : null,
        };
        await using var reader = Some.ReaderOf(hub, Some.Service);

        var properties = await reader.GetPropertiesAsync(Some.Patience);

        Assert.Equal(FakeHub.EntityPath, properties.Name);
        Assert.Equal(["0", "1"], properties.PartitionIds);
        Assert.Equal(["hub.example", "ns.example"], hub.Dialled.Select(address => address.HostName));
        // The hub gets a token for itself, the namespace one for the event hub, signed with the key's text.
        Assert.Contains("sr=hub.example&", Assert.Single(hub.Connections[0].Tokens));
        Assert.Contains("sr=sb%3A%2F%2Fns.example%2Fevents-1&", Assert.Single(hub.Connections[1].Tokens));
    }
}
