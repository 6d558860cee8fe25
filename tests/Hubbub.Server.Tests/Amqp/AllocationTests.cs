using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Routing;
using Hubbub.Server.Amqp;
using Hubbub.Server.Routing;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>The hot paths of the endpoints, from the pipe to the log and back, allocate nothing per message.</summary>
[Collection(AloneCollection.Name)]
public sealed class AllocationTests
{
    private const int Chunks = 60, PerChunk = 1_000, WarmUp = 10;

    /// <summary>Less than the smallest object: what a commit and its waits need, spread over a chunk's messages.</summary>
    private const double BytesPerMessageMax = 8;

    [Theory]
    [InlineData("one data section")]
    [InlineData("properties and annotations")]
    [InlineData("routed by properties")]
    [InlineData("routed by body and enriched")]
    public async Task Telemetry_AllocatesNothingPerMessage(string kind)
    {
        var log = new ScriptedLog(1);
        var partition = log[0];
        partition.IsQuiet = true;
        await using var hub = await TestHub.StartAsync(wrap: _ => log);
        await hub.CreateDeviceAsync("d1");
        var other = new ScriptedLog(1);
        other[0].IsQuiet = true;
        if (kind.StartsWith("routed", StringComparison.Ordinal))
            hub.Router.Switch(Routes(kind, log, other));
        var (peer, running) = await ConnectAsync(hub, QuietPeer.Opening("d1@sas.hub1", hub.DeviceToken("d1"), new Attach
        {
            Name = "t",
            Handle = 0,
            Role = Role.Sender,
            Source = new Source(),
            Target = new Target { Address = "/devices/d1/messages/events".ToValue() },
            InitialDeliveryCount = 0,
        }));
        await peer.ReadUntilAsync(Flow.Descriptor);
        var message = kind == "one data section" ? Values.Message(new string('x', 256)) : RichMessage();
        var chunks = Enumerable.Range(0, Chunks).Select(i => Transfers(i * PerChunk, message)).ToArray();

        var allocated = new long[Chunks];
        for (var i = 0; i < Chunks; i++)
        {
            allocated[i] = GC.GetTotalAllocatedBytes(precise: true);
            await peer.SendAsync(chunks[i]);
            var all = (i + 1) * PerChunk;
            Spin(peer, _ => partition.Count >= all);
            partition.Commit();
            other[0].Commit();
            Spin(peer, static frames => frames > 0);
        }
        var each = PerMessage(allocated);

        TestContext.Current.TestOutputHelper?.WriteLine($"{kind}: {each:0.00} bytes allocated a message");
        Assert.InRange(each, 0, BytesPerMessageMax);
        await peer.CloseAsync();
        await running;
    }

    [Fact]
    public async Task Reader_AllocatesNothingPerEvent()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, Chunks * PerChunk);
        var (peer, running) = await ConnectAsync(
            hub, QuietPeer.Opening("service@sas.root.hub1", hub.PolicyToken("service"), new Attach
            {
                Name = "r",
                Handle = 0,
                Role = Role.Receiver,
                Source = new Source { Address = $"{hub.Entity}/ConsumerGroups/$Default/Partitions/0".ToValue() },
                Target = new Target(),
            }));
        await peer.ReadUntilAsync(Attach.Descriptor);
        var flows = Enumerable.Range(0, Chunks).Select(i => FlowAfter(i * PerChunk)).ToArray();

        var allocated = new long[Chunks];
        for (var i = 0; i < Chunks; i++)
        {
            allocated[i] = GC.GetTotalAllocatedBytes(precise: true);
            await peer.SendAsync(flows[i]);
            Spin(peer, static frames => frames >= PerChunk);
        }
        var each = PerMessage(allocated);

        TestContext.Current.TestOutputHelper?.WriteLine($"reader: {each:0.00} bytes allocated an event");
        Assert.InRange(each, 0, BytesPerMessageMax);
        await peer.CloseAsync();
        await running;
    }

    /// <summary>
    /// The median over the chunks: a pool that a thread meets for the first time may well allocate a large array once.
    /// </summary>
    private static double PerMessage(long[] allocated) => Enumerable.Range(WarmUp, Chunks - WarmUp - 1)
        .Select(i => allocated[i + 1] - allocated[i]).Order().ElementAt((Chunks - WarmUp) / 2) / (double)PerChunk;

    // Waiting without a thread would allocate; the hub's work runs on others.
    private static void Spin(QuietPeer peer, Func<int, bool> isDone)
    {
        var frames = 0;
        for (var rounds = 0; ; rounds++)
        {
            frames += peer.TakeFrames();
            if (isDone(frames))
                return;
            Assert.True(rounds < 50_000_000, "The hub stands still.");
            Thread.Yield();
        }
    }

    private static async Task<(QuietPeer Peer, Task Running)> ConnectAsync(TestHub hub, byte[] opening)
    {
        var (hubEnd, peerEnd) = DuplexPipe.CreatePair(256 * 1024, new BlockPool());
        var description = new AmqpPeer("quiet", null, IsSecure: true, TlsServerName: null, ClientCertificate: null, Transport: "memory");
        var running = Task.Run(() => hub.Listener.RunAsync(hubEnd, description, CancellationToken.None));
        var peer = new QuietPeer(peerEnd);
        await peer.SendAsync(opening);
        return (peer, running);
    }

    private static byte[] Transfers(int first, byte[] message)
    {
        using var bytes = new ByteBuffer();
        for (var id = first; id < first + PerChunk; id++)
        {
            var transfer = new Transfer { Handle = 0, DeliveryId = (uint)id, DeliveryTag = BitConverter.GetBytes(id) };
            RawPeer.AppendFrame(bytes, 0, transfer.Write, message);
        }
        return bytes.WrittenSpan.ToArray();
    }

    private static byte[] FlowAfter(int received)
    {
        using var bytes = new ByteBuffer();
        RawPeer.AppendFrame(bytes, 0, new Flow
        {
            NextIncomingId = (uint)received + 1,
            IncomingWindow = 5_000,
            NextOutgoingId = 0,
            OutgoingWindow = 5_000,
            Handle = 0,
            DeliveryCount = (uint)received,
            LinkCredit = PerChunk,
        }.Write);
        return bytes.WrittenSpan.ToArray();
    }

    private static RoutingState Routes(string kind, ScriptedLog events, ScriptedLog other)
    {
        var isBody = kind.Contains("body", StringComparison.Ordinal);
        var configuration = new RoutingConfiguration
        {
            Endpoints = [new RouteEndpoint("other", "other-1", DateTimeOffset.UnixEpoch, EventStreamOptions.ForReaders)],
            Routes =
            [
                new Route("a", RouteSource.DeviceMessages, isBody ? "$body.t > 30" : "as_number(b) < 5", "events"),
                new Route("b", RouteSource.DeviceMessages, isBody ? "upper($body.u) = 'C'" : "a || 'x' = '1x'", "other"),
                new Route("c", RouteSource.DeviceMessages, "$connectionDeviceId = 'd2' or $messageId = 'x'", "other"),
            ],
            Enrichments = isBody ? [new Enrichment("k", "v", ["other"])] : [],
        };
        return new RoutingState(
            RouteTable.Compile(configuration).Value,
            [
                new RouteTarget("events", events, null),
                new RouteTarget("other", other, EnrichmentPairs.Of(configuration, "other", "hub1")),
            ]);
    }

    private static byte[] RichMessage() => new Hubbub.Amqp.Messages.OutgoingMessage
    {
        MessageAnnotations = new AmqpMapBuilder().Add("dt-subject", "component").Add("x-opt-forged", 1).Build(),
        Properties = new Properties { MessageId = "id".ToValue(), ContentType = "application/json;charset=utf-8" },
        ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("a", "1").Add("b", 2).Build(),
        Data = System.Text.Encoding.UTF8.GetBytes("{\"u\":\"c\",\"t\":31}".PadRight(256)),
    }.ToArray();
}
