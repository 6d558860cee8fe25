using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>Credit, windows and frames of readers, as the clients use them.</summary>
public sealed class EventFlowTests
{
    [Fact]
    public async Task CaughtUp_IsWokenByEachCommit()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var reader = await (await hub.ConnectServiceAsync()).ReaderAsync(hub, 0, credit: 10_000);

        for (var i = 0; i < 300; i++)
        {
            await telemetry.SendAsync(Values.Message($"{i}"));
            Assert.Equal(i, (await reader.ReceiveAsync()).SequenceNumber);
        }
    }

    [Fact]
    public async Task Credit_GrowingBeforeItIsUsed_IsAbsolute()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 100);
        var session = await hub.ConnectServiceAsync();
        var reader = await session.ReaderAsync(hub, 0, credit: 15);
        await reader.ReceiveAsync(15);
        await session.PingAsync();
        Assert.Equal(0, reader.Waiting);

        // As the JavaScript SDK does: counted from what it has taken so far, with ever more credit.
        await session.FlowAsync(reader.Handle, 27, deliveryCount: 3);
        await reader.ReceiveAsync(15);
        await session.FlowAsync(reader.Handle, 42, deliveryCount: 3);
        await reader.ReceiveAsync(15);
        await session.PingAsync();

        Assert.Equal(0, reader.Waiting);
    }

    [Fact]
    public async Task Credit_RepeatedFlows_AddNothing()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 700);
        var session = await hub.ConnectServiceAsync();
        var reader = await session.ReaderAsync(hub, 0, credit: 0);

        for (var i = 0; i < 5; i++)
            await session.FlowAsync(reader.Handle, 300, deliveryCount: 0);
        await reader.ReceiveAsync(300);
        await session.PingAsync();
        Assert.Equal(0, reader.Waiting);

        await reader.CreditAsync(300);
        await reader.CreditAsync(300);
        Assert.Equal(599, (await reader.ReceiveAsync(300))[^1].SequenceNumber);
        await session.PingAsync();
        Assert.Equal(0, reader.Waiting);
    }

    [Fact]
    public async Task Credit_ZeroThenThreeHundred_Reads()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 5);
        var session = await hub.ConnectServiceAsync();
        var reader = await session.ReaderAsync(hub, 0, credit: 0);
        await reader.CreditAsync(0);
        await session.PingAsync();
        Assert.Equal(0, reader.Waiting);

        await reader.CreditAsync(300);

        Assert.Equal(4, (await reader.ReceiveAsync(5))[^1].SequenceNumber);
    }

    [Fact]
    public async Task Credit_PipelinedBehindTheAttach_Counts()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 5);
        var session = await hub.ConnectServiceAsync();
        using var bytes = new ByteBuffer();
        RawPeer.AppendFrame(bytes, 0, new Attach
        {
            Name = "net",
            Handle = 7,
            Role = Role.Receiver,
            SndSettleMode = SenderSettleMode.Settled,
            Source = new Source { Address = $"/{hub.Entity}/ConsumerGroups/$Default/Partitions/0".ToValue() },
            Target = new Target(),
        }.Write);
        RawPeer.AppendFrame(bytes, 0, new Flow
        {
            NextIncomingId = 1,
            IncomingWindow = 5_000,
            NextOutgoingId = 0,
            OutgoingWindow = 5_000,
            Handle = 7,
            LinkCredit = 300,
        }.Write);

        await session.Peer.SendAsync(bytes.WrittenSpan.ToArray());

        for (var i = 0; i < 5; i++)
            await session.Peer.NextFrameAsync<Transfer>();
    }

    [Fact]
    public async Task Drain_GivesWhatThereIsAndTheRestOfTheCreditBack()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 5);
        var session = await hub.ConnectServiceAsync();
        var reader = await session.ReaderAsync(hub, 0, credit: 0);

        await reader.CreditAsync(100, drain: true);
        await reader.ReceiveAsync(5);
        var flow = await session.Peer.NextAsync<Flow>(f => f.Handle == reader.Reply.Handle);

        Assert.Equal((0u, 100u, true), (flow.LinkCredit!.Value, flow.DeliveryCount!.Value, flow.Drain));
        await telemetry.SendEventsAsync(5, 1);
        await session.PingAsync();
        Assert.Equal(0, reader.Waiting);
        reader.DeliveryCount = 100;
        await reader.CreditAsync(1);
        Assert.Equal(5, (await reader.ReceiveAsync()).SequenceNumber);
    }

    [Fact]
    public async Task Drain_OneByOne_EndsWithEachAnswerAndLosesNothing()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var session = await hub.ConnectServiceAsync();
        var reader = await session.ReaderAsync(hub, 0, credit: 0);
        var read = 0;

        for (var i = 0; i < 100; i++)
        {
            await telemetry.SendAsync(Values.Message($"{i}"));
            await reader.CreditAsync(10, drain: true);
            var flow = await session.Peer.NextAsync<Flow>(f => f.Handle == reader.Reply.Handle && f.Drain);
            for (; reader.Waiting > 0; read++)
                Assert.Equal(read, (await reader.ReceiveAsync()).SequenceNumber);
            Assert.Equal(0u, flow.LinkCredit);
            reader.DeliveryCount = flow.DeliveryCount!.Value;
        }
        await reader.CreditAsync(1_000);
        for (; read < 100; read++)
            Assert.Equal(read, (await reader.ReceiveAsync()).SequenceNumber);
    }

    [Fact]
    public async Task Drain_UsedUpExactly_IsAnsweredToo()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 10);
        var session = await hub.ConnectServiceAsync();
        var reader = await session.ReaderAsync(hub, 0, credit: 0);

        await reader.CreditAsync(4, drain: true);
        await reader.ReceiveAsync(4);
        var flow = await session.Peer.NextAsync<Flow>(f => f.Handle == reader.Reply.Handle);

        Assert.Equal((0u, 4u), (flow.LinkCredit!.Value, flow.DeliveryCount!.Value));
    }

    [Theory]
    [InlineData(512u, 1u)]
    [InlineData(512u, 3u)]
    [InlineData(4_096u, 2_048u)]
    [InlineData(65_536u, 1u)]
    public async Task SmallFramesAndWindows_OpenedBySessionFlowsAlone_DeliverEverything(uint frameSize, uint window)
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var bodies = new[] { 10, 5_000, 100, 3_000, 1 }.Select(n => new string('x', n)).ToArray();
        foreach (var body in bodies)
            await telemetry.SendAndWaitAsync(Values.Message(body));
        var peer = hub.Connect();
        await peer.SaslAsync("PLAIN", PeerSteps.Plain("service@sas.root.hub1", hub.PolicyToken("service")));
        var session = await peer.OpenAsync(maxFrameSize: frameSize, incomingWindow: window);
        var reader = await session.ReaderAsync(hub, 0);

        var frames = 0u;
        var bytes = new List<byte>();
        foreach (var body in bodies)
        {
            bytes.Clear();
            while (true)
            {
                var frame = await peer.NextFrameAsync<Transfer>();
                var transfer = (Transfer)frame.Performative!;
                bytes.AddRange(frame.Payload);
                if (++frames % window == 0)
                    await session.FlowAsync();
                if (!transfer.More)
                    break;
                Assert.True(frame.Payload.Length < frameSize);
            }
            Assert.Equal(body, new ReceivedMessage(default, [.. bytes], 0).Text);
        }
        Assert.False(reader.IsDetached);
    }

    [Theory]
    [InlineData(4_096u)]
    [InlineData(65_536u)]
    [InlineData(uint.MaxValue)]
    public async Task LargeEvents_AreSplitToThePeersFrames(uint frameSize)
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var body = new byte[200_000];
        new Random(5).NextBytes(body);
        await telemetry.SendAndWaitAsync(new OutgoingMessage { Data = body }.ToArray());
        await telemetry.SendAndWaitAsync(Values.Message("next"));
        var peer = hub.Connect();
        await peer.SaslAsync("PLAIN", PeerSteps.Plain("service@sas.root.hub1", hub.PolicyToken("service")));
        var session = await peer.OpenAsync(maxFrameSize: frameSize);

        var reader = await session.ReaderAsync(hub, 0);
        var large = await reader.ReceiveAsync();

        Assert.Equal(body, large.Data);
        Assert.Equal(frameSize == uint.MaxValue, large.Frames == 1);
        Assert.True(large.Frames >= 200_000 / Math.Min(frameSize, 1_000_000));
        Assert.Equal("next", (await reader.ReceiveAsync()).Text);
    }

    [Fact]
    public async Task MaxMessageSize_OfTheReader_IsNeverExceeded()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendAndWaitAsync(Values.Message("small"));
        await telemetry.SendAndWaitAsync(Values.Message(new string('x', 20_000)));
        var session = await hub.ConnectServiceAsync();

        var reader = await session.ReaderAsync(hub, 0, change: a => a with { MaxMessageSize = 10_000 });

        Assert.Equal("small", (await reader.ReceiveAsync()).Text);
        var error = await reader.DetachedAsync();
        Assert.Equal(ErrorCondition.MessageSizeExceeded, error!.Condition.Value);
        Assert.Contains("Event 1", error.Description, StringComparison.Ordinal);
        await session.PingAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RuntimeMetrics_AreSentToThoseWhoAskedForThem(bool wanted)
    {
        const string Capability = "com.microsoft:enable-receiver-runtime-metric";
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 3);
        Symbol[] desired = wanted ? ["com.microsoft:georeplication", Capability] : ["com.microsoft:georeplication"];

        var reader = await (await hub.ConnectServiceAsync()).ReaderAsync(
            hub, 0, change: a => a with { DesiredCapabilities = desired });
        var read = await reader.ReceiveAsync();
        var last = (await reader.ReceiveAsync(2))[^1];

        if (!wanted)
        {
            Assert.Null(reader.Reply.OfferedCapabilities);
            Assert.True(read.Sections.DeliveryAnnotationsSection.IsEmpty);
            return;
        }
        Assert.Equal([new Symbol(Capability)], reader.Reply.OfferedCapabilities ?? []);
        var map = read.Sections.DeliveryAnnotations!.Value.ToDictionary(e => Values.TextOf(e.Key), e => e);
        Assert.All(map.Values, e => Assert.Equal(AmqpKind.Symbol, e.Key.Kind));
        Assert.Equal(AmqpValue.From(2L), map["last_enqueued_sequence_number"].Value);
        Assert.Equal(last.Annotation("x-opt-offset"), map["last_enqueued_offset"].Value);
        Assert.Equal(last.Annotation("x-opt-enqueued-time"), map["last_enqueued_time_utc"].Value);
        Assert.Equal(AmqpKind.Timestamp, map["runtime_info_retrieval_time_utc"].Value.Kind);
        Assert.Equal(4, map.Count);
    }

    [Fact]
    public async Task Dispositions_ForSettledEvents_AreIgnored()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 3);
        var session = await hub.ConnectServiceAsync();
        var reader = await session.ReaderAsync(hub, 0);
        await reader.ReceiveAsync(3);

        foreach (var (first, last) in new (uint, uint)[] { (0, 2), (0, int.MaxValue), (77, 77) })
        {
            await session.Peer.SendAsync(0, new Disposition
            {
                Role = Role.Receiver,
                First = first,
                Last = last,
                Settled = true,
                State = Accepted.Instance,
            }.Write);
        }
        await telemetry.SendEventsAsync(3, 1);

        Assert.Equal(3, (await reader.ReceiveAsync()).SequenceNumber);
    }

    [Fact]
    public async Task Reader_FromTheBeginning_SeesEachOfManyEventsOnceInOrder()
    {
        const int Count = 5_000;
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var reader = await (await hub.ConnectServiceAsync()).ReaderAsync(hub, 0, credit: 10_000);
        await telemetry.SendEventsAsync(0, Count);
        var late = await (await hub.ConnectServiceAsync()).ReaderAsync(hub, 0, credit: 10_000);

        foreach (var link in new[] { reader, late })
        {
            for (var i = 0; i < Count; i++)
            {
                var read = await link.ReceiveAsync();
                Assert.Equal((i, $"{i}"), (read.SequenceNumber, read.Text));
            }
        }
    }
}
