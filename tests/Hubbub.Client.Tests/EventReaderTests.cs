using System.Text;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Tests;

/// <summary>Reading: from which place, which parts, in which order, how fast.</summary>
public sealed class EventReaderTests
{
    [Fact]
    public async Task Read_OnePartition_GivesEveryPartOfTheEvent()
    {
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub);
        await using var subscription = await reader.SubscribeAsync(EventPosition.Start, ["1"], Some.Patience);

        await hub.Last.SendEventAsync("1", Some.Event(42, "hello"), Some.Patience);

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
        var hub = new FakeHub { OnAttach = attach => RedirectOf(attach, "ns.example") };
        await using var reader = Some.ReaderOf(hub, Some.Service);

        var properties = await reader.GetPropertiesAsync(Some.Patience);

        Assert.Equal(FakeHub.EntityPath, properties.Name);
        Assert.Equal(["0", "1"], properties.PartitionIds);
        Assert.Equal(["hub.example", "ns.example"], hub.Dialled.Select(address => address.HostName));
        // The hub gets a token for itself, the namespace one for the event hub, signed with the key's text.
        Assert.Contains("sr=hub.example&", Assert.Single(hub.Connections[0].Tokens), StringComparison.Ordinal);
        Assert.Contains(
            "sr=sb%3A%2F%2Fns.example%2Fevents-1&", Assert.Single(hub.Connections[1].Tokens), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_RedirectedToTheSameHost_GoesWhereItWasDialled()
    {
        var hub = new FakeHub { OnAttach = attach => RedirectOf(attach, "hub.example") };
        await using var reader = Some.ReaderOf(hub, $"{Some.Service};AmqpsPort=15671");

        await reader.GetPropertiesAsync(Some.Patience);

        // The redirect says 5671, which is true only inside of whatever forwards 15671 to it.
        Assert.Equal([15671, 15671], hub.Dialled.Select(address => address.Port));
    }

    [Fact]
    public async Task Subscribe_SendsThePositionAsASelector()
    {
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub, options: new() { ConsumerGroup = "g2" });

        await using var subscription = await reader.SubscribeAsync(
            EventPosition.FromSequenceNumber(7), cancellationToken: Some.Patience);

        var attaches = hub.Last.Attaches.Where(attach => !attach.Name.StartsWith('$')).ToList();
        Assert.Equal(
            ["events-1/ConsumerGroups/g2/Partitions/0", "events-1/ConsumerGroups/g2/Partitions/1"],
            attaches.Select(attach => Some.AddressOf(attach.Source)).Order());
        var filter = Assert.IsType<Source>(attaches[0].Source).Filter!.Value;
        Assert.True(filter.TryGet("apache.org:selector-filter:string", out var selector));
        Assert.True(selector.Undescribed().TextEquals("amqp.annotation.x-opt-sequence-number >= '7'"));
    }

    [Fact]
    public void Position_HasTheSpellingsOfTheField()
    {
        Assert.Equal("amqp.annotation.x-opt-offset > '-1'", default(EventPosition).ToString());
        Assert.Equal("amqp.annotation.x-opt-offset > '-1'", EventPosition.Start.ToString());
        Assert.Equal("amqp.annotation.x-opt-offset > '@latest'", EventPosition.End.ToString());
        Assert.Equal("amqp.annotation.x-opt-offset > '4711'", EventPosition.FromOffset("4711").ToString());
        var behind = EventPosition.FromSequenceNumber(7, isInclusive: false);
        Assert.Equal("amqp.annotation.x-opt-sequence-number > '7'", behind.ToString());
        var time = EventPosition.FromEnqueuedTime(DateTimeOffset.UnixEpoch.AddSeconds(1));
        Assert.Equal("amqp.annotation.x-opt-enqueued-time > '999'", time.ToString());
        Assert.Throws<FormatException>(() => EventPosition.FromOffset("1' OR 'x"));
    }

    [Fact]
    public async Task Read_AllPartitions_TakesFairTurns()
    {
        var hub = new FakeHub { Partitions = 3 };
        await using var reader = Some.ReaderOf(hub);
        await using var subscription = await reader.SubscribeAsync(
            EventPosition.Start, cancellationToken: Some.Patience);
        // One event of the last partition, and then two partitions that have plenty of large ones.
        await hub.Last.SendEventAsync("2", Some.Event(0, "c"), Some.Patience);
        for (var i = 0; i < 200; i++)
        {
            await hub.Last.SendEventAsync("0", Some.Event(i, new string('a', 2_000)), Some.Patience);
            await hub.Last.SendEventAsync("1", Some.Event(i, new string('b', 2_000)), Some.Patience);
        }

        // The answer comes behind the events, so that all of them are here.
        await reader.GetPropertiesAsync(Some.Patience);

        var seen = new List<(string Partition, long Sequence)>();
        await foreach (var received in subscription.WithCancellation(Some.Patience))
        {
            seen.Add((received.PartitionId, received.SequenceNumber));
            if (seen.Count == 401)
                break;
        }

        // A turn is a chunk of 64 KiB at most, which 32 of these events fill.
        const int Turn = 33;
        Assert.InRange(seen.IndexOf(("2", 0)), 0, 2 * Turn);
        var tooLong = Enumerable.Range(0, seen.Count - Turn)
            .Count(i => seen.Skip(i).Take(Turn + 1).All(e => e.Partition == seen[i].Partition));
        Assert.Equal(0, tooLong);
        foreach (var partition in new[] { "0", "1" })
        {
            var sequence = seen.Where(e => e.Partition == partition).Select(e => e.Sequence);
            Assert.Equal(Enumerable.Range(0, 200).Select(i => (long)i), sequence);
        }
    }

    [Fact]
    public async Task Read_NobodyTakesTheEvents_CreditRunsOutAndComesBackWithTheReader()
    {
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub, options: new() { Prefetch = 100 });
        await using var subscription = await reader.SubscribeAsync(EventPosition.Start, ["0"], Some.Patience);
        await hub.Last.WhenAsync(peer => peer.CreditOf("0") > 0, Some.Patience);
        var sent = 0;
        while (hub.Last.TrySendEvent("0", Some.Event(sent, "x")))
            sent++;
        Assert.Equal(100, sent);

        await using var events = subscription.GetAsyncEnumerator(Some.Patience);
        for (var i = 0; i < 100; i++)
        {
            Assert.True(await events.MoveNextAsync());
            Assert.Equal(i, events.Current.SequenceNumber);
        }
        // The reader now asks for the next one, which gives the last chunk back.
        var next = events.MoveNextAsync();
        await hub.Last.WhenAsync(peer => peer.CreditOf("0") >= 50, Some.Patience);

        await hub.Last.SendEventAsync("0", Some.Event(100, "x"), Some.Patience);
        Assert.True(await next);
        Assert.Equal(100, events.Current.SequenceNumber);
    }

    [Fact]
    public async Task Read_NobodyTakesTheEventsAndTheConnectionIsCut_TheNextLinkGetsTheRestOfTheCredit()
    {
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub, options: new() { Prefetch = 10 });
        await using var subscription = await reader.SubscribeAsync(EventPosition.Start, ["0"], Some.Patience);
        for (var i = 0; i < 8; i++)
            await hub.Last.SendEventAsync("0", Some.Event(i, "x"), Some.Patience);
        // Its answer comes behind the events.
        await reader.GetPartitionPropertiesAsync("0", Some.Patience);

        hub.Last.Cut();
        await hub.WhenDialledAsync(2, Some.Patience);
        await hub.Last.WhenAsync(peer => peer.HasCredit("0"), Some.Patience);

        Assert.Equal(2u, hub.Last.CreditOf("0"));
        await using var events = subscription.GetAsyncEnumerator(Some.Patience);
        for (var i = 0; i < 40; i++)
        {
            if (i >= 8)
                await hub.Last.SendEventAsync("0", Some.Event(i, "y"), Some.Patience);
            Assert.True(await events.MoveNextAsync());
            Assert.Equal(i, events.Current.SequenceNumber);
        }
        // What was read gives the link all of it.
        await hub.Last.WhenAsync(peer => peer.CreditOf("0") > 5, Some.Patience);
    }

    [Fact]
    public async Task Read_LinkStolen_GivesWhatCameAndThenThrows()
    {
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub);
        await using var subscription = await reader.SubscribeAsync(EventPosition.Start, ["0"], Some.Patience);
        await hub.Last.SendEventAsync("0", Some.Event(0, "x"), Some.Patience);
        hub.Last.DetachPartition("0", Some.Error(ErrorCondition.LinkStolen));

        await using var events = subscription.GetAsyncEnumerator(Some.Patience);
        Assert.True(await events.MoveNextAsync());
        var stolen = await Assert.ThrowsAsync<HubbubException>(async () => await events.MoveNextAsync());

        Assert.Equal(ErrorCondition.LinkStolen, stolen.Condition);
        Assert.EndsWith("/Partitions/0", stolen.Address, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_ConnectionCut_GoesOnBehindTheLastEventThatCame()
    {
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub);
        await using var subscription = await reader.SubscribeAsync(EventPosition.End, ["0"], Some.Patience);
        await using var events = subscription.GetAsyncEnumerator(Some.Patience);
        await hub.Last.SendEventAsync("0", Some.Event(42, "a"), Some.Patience);
        await hub.Last.SendEventAsync("0", Some.Event(43, "b"), Some.Patience);
        Assert.True(await events.MoveNextAsync());
        // Its answer comes behind the events.
        await reader.GetPartitionPropertiesAsync("0", Some.Patience);

        hub.Last.Cut();
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(43, events.Current.SequenceNumber);
        var next = events.MoveNextAsync();
        await hub.WhenDialledAsync(2, Some.Patience);
        await WhenAttachedAsync(hub, "0");
        await hub.Last.SendEventAsync("0", Some.Event(44, "c"), Some.Patience);

        Assert.True(await next);
        Assert.Equal(44, events.Current.SequenceNumber);
        // The end is where the partition ended when it was asked for, also for a link that comes later.
        Assert.Equal("amqp.annotation.x-opt-sequence-number > '41'", SelectorOf(hub.Connections[0]));
        Assert.Equal("amqp.annotation.x-opt-sequence-number > '43'", SelectorOf(hub.Connections[1]));
    }

    [Fact]
    public async Task Read_ConnectionCutWithoutReconnect_ThrowsAndTheNextCallConnectsAgain()
    {
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub, options: new() { Reconnect = ReconnectPolicy.None });
        await using var subscription = await reader.SubscribeAsync(EventPosition.Start, ["0"], Some.Patience);
        await using var events = subscription.GetAsyncEnumerator(Some.Patience);
        var next = events.MoveNextAsync().AsTask();

        hub.Last.Cut();

        Assert.Equal(HubbubCondition.ConnectionLost, (await Assert.ThrowsAsync<HubbubException>(() => next)).Condition);
        var partition = await reader.GetPartitionPropertiesAsync("0", Some.Patience);
        Assert.Equal(
            new PartitionProperties("0", 3, 41, "4711", DateTimeOffset.UnixEpoch.AddDays(1), IsEmpty: false),
            partition);
        Assert.Equal(2, hub.Connections.Count);
    }

    [Fact]
    public async Task Read_Cancelled_EndsAndDetaches()
    {
        var hub = new FakeHub();
        await using var reader = Some.ReaderOf(hub);
        using var cancel = new CancellationTokenSource();
        var reading = Task.Run(async () =>
        {
            await foreach (var _ in reader.ReadPartitionAsync("0", EventPosition.End, cancel.Token))
            {
            }
        }, Some.Patience);
        await hub.WhenDialledAsync(1, Some.Patience);
        await WhenAttachedAsync(hub, "0");

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await hub.Last.WhenAsync(peer => peer.DetachCount == 1, Some.Patience);
    }

    [Fact]
    public async Task Subscribe_UnknownPartition_IsRefusedWithTheReasonAndLeavesNoLinkBehind()
    {
        var hub = new FakeHub
        {
            OnAttach = attach => attach.Name.Contains("Partitions/1-", StringComparison.Ordinal)
                ? Some.Error(ErrorCondition.NotFound)
                : null,
        };
        await using var reader = Some.ReaderOf(hub);

        var refused = await Assert.ThrowsAsync<HubbubException>(
            () => reader.SubscribeAsync(EventPosition.Start, ["0", "1"], Some.Patience));

        Assert.Equal(ErrorCondition.NotFound, refused.Condition);
        // The link to partition 0 is given back; the other one was never there.
        await hub.Last.WhenAsync(peer => peer.DetachCount == 1, Some.Patience);
    }

    [Fact]
    public void Create_ADevicesConnectionString_IsRefused() =>
        Assert.Throws<FormatException>(() => EventReader.CreateFromConnectionString(Some.Device));

    private static async Task WhenAttachedAsync(FakeHub hub, string partition) => await hub.Last.WhenAsync(
        peer => peer.Attaches.Any(
            attach => Some.AddressOf(attach.Source).EndsWith($"/Partitions/{partition}", StringComparison.Ordinal)),
        Some.Patience);

    private static string SelectorOf(FakeHubConnection connection)
    {
        var source = (Source)connection.Attaches.Single(attach => attach.Name.Contains("Partitions")).Source!;
        Assert.True(source.Filter!.Value.TryGet("apache.org:selector-filter:string", out var selector));
        Assert.True(selector.Undescribed().TryGetString(out var text));
        return text;
    }

    private static AmqpError? RedirectOf(Attach attach, string host) =>
        Some.AddressOf(attach.Source) == "/messages/events/$management" ? FakeHub.Redirect(host, 5671) : null;
}
