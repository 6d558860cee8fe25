using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Server.Amqp;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>Nothing else runs while these measure the heap.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}

/// <summary>What connections cost while they do nothing, and what a hostile one can make the hub keep.</summary>
[Collection(AloneCollection.Name)]
public sealed class MemoryTests
{
    private const int IdleBytesMax = 8 * 1024;

    [Theory]
    [InlineData("device")]
    [InlineData("reader")]
    public async Task IdleConnection_WithOneLink_CostsAtMost8KiBAboveItsPipes(string kind)
    {
        const int Connections = 300;
        await using var hub = await TestHub.StartAsync(partitions: 32);
        for (var i = 0; i < 25; i++)
            await hub.Core.Groups.CreateAsync($"g{i}", TestContext.Current.CancellationToken);
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(i => hub.CreateDeviceAsync($"d{i}")));
        var openings = Enumerable.Range(0, Connections).Select(i => OpeningOf(hub, kind, i)).ToArray();
        var last = kind == "device" ? Flow.Descriptor : Attach.Descriptor;
        // What the first ones make for all is not counted.
        var (warm, warmRun) = Connect(hub, "warm");
        await warm.SendAsync(openings[0]);
        await warm.ReadUntilAsync(last);
        await warm.CloseAsync();
        await warmRun;
        // The same bytes through pipes with nobody behind them.
        var bare = new List<(DuplexPipe, DuplexPipe)>();
        var before = Heap();
        for (var i = 0; i < Connections; i++)
        {
            var pair = DuplexPipe.CreatePair(64 * 1024);
            await ThroughAsync(pair.Peer, pair.Hub, openings[i]);
            await ThroughAsync(pair.Hub, pair.Peer, openings[i]);
            bare.Add(pair);
        }
        var ofPipes = Heap() - before;

        before = Heap();
        var peers = new List<(QuietPeer Peer, Task Running)>();
        for (var i = 0; i < Connections; i++)
        {
            peers.Add(Connect(hub, $"c{i}"));
            await peers[i].Peer.SendAsync(openings[i]);
            await peers[i].Peer.ReadUntilAsync(last);
        }
        var each = (Heap() - before - ofPipes) / Connections;

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{kind}: {each} bytes a connection above {ofPipes / Connections} for its pipes");
        Assert.InRange(each, 1, IdleBytesMax);
        GC.KeepAlive(bare);
        foreach (var (peer, running) in peers)
        {
            await peer.CloseAsync();
            await running;
        }
    }

    [Fact]
    public async Task AttachAndDetach_TenThousandTimes_KeepsNothing()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectServiceAsync("iothubowner");
        await LoopAsync(1_000);
        var before = Heap();

        await LoopAsync(10_000);

        Assert.InRange(Heap() - before, long.MinValue, 512 * 1024);
        await session.PingAsync();

        async Task LoopAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var link = (i % 3) switch
                {
                    0 => await session.SenderAsync("/devices/d1/messages/events"),
                    1 => await session.ReceiverAsync($"{hub.Entity}/ConsumerGroups/$Default/Partitions/0"),
                    _ => await session.SenderAsync("/devices/ghost/messages/events"),
                };
                if (link.Refusal is null)
                    await link.DetachAsync();
                else
                    await link.DetachAsync(wait: false);
                session.Peer.ForgetInbox();
                session.ReuseHandles();
            }
        }
    }

    [Fact]
    public async Task BeginAndEnd_TenThousandTimes_KeepsNothing()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var first = await hub.ConnectDeviceAsync("d1");
        await LoopAsync(1_000);
        var before = Heap();

        await LoopAsync(10_000);

        Assert.InRange(Heap() - before, long.MinValue, 512 * 1024);
        await first.PingAsync();

        async Task LoopAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var session = await first.Peer.Session(1).BeginAsync();
                Assert.Null((await session.SenderAsync("/devices/d1/messages/events")).Refusal);
                await first.Peer.SendAsync(1, new End().Write);
                await first.Peer.NextAsync<End>();
                first.Peer.ForgetInbox();
                session.ReuseHandles();
            }
        }
    }

    [Fact]
    public async Task Reader_ThatStopsReading_DoesNotMakeTheHubGatherItsEvents()
    {
        const int Events = 200, EventBytes = 200_000;
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var message = new OutgoingMessage { Data = new byte[EventBytes] }.ToArray();
        var service = await hub.ConnectServiceAsync();
        var other = await hub.ConnectServiceAsync();
        await telemetry.SendAndWaitAsync(message);
        service.Peer.Pause();
        var before = Heap();

        var reader = service.ReaderAsync(hub, 0, credit: 100_000);
        for (var i = 1; i < Events; i++)
            Assert.IsType<Accepted>(await telemetry.SendAndWaitAsync(message));
        await other.PingAsync();
        var grown = Heap() - before;

        Assert.InRange(grown, long.MinValue, 4 * 1024 * 1024);
        service.Peer.Resume();
        var link = await reader;
        for (var i = 0; i < Events; i++)
            Assert.Equal(i, (await link.ReceiveAsync()).SequenceNumber);
    }

    [Fact]
    public async Task Batch_OfAMebibyte_IsNotKeptForItsConnection()
    {
        const int Connections = 20;
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        using var buffer = new Hubbub.Amqp.Codec.ByteBuffer();
        var writer = new Hubbub.Amqp.Codec.AmqpWriter(buffer);
        for (var i = 0; i < 10; i++)
            writer.WriteDataSection(new OutgoingMessage { Data = new byte[26_000] }.ToArray());
        var batch = buffer.WrittenSpan.ToArray();
        var sessions = new List<PeerLink>();
        for (var i = 0; i < Connections; i++)
            sessions.Add(await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1"));
        Assert.IsType<Accepted>(await sessions[0].SendAndWaitAsync(batch, MessageFormats.Batch));
        var before = Heap();

        foreach (var link in sessions)
            Assert.IsType<Accepted>(await link.SendAndWaitAsync(batch, MessageFormats.Batch));

        Assert.InRange(Heap() - before, long.MinValue, 2 * 1024 * 1024);
    }

    private static byte[] OpeningOf(TestHub hub, string kind, int i)
    {
        var attach = new Attach
        {
            Name = $"link-{i}",
            Handle = 0,
            Role = Role.Sender,
            Source = new Source(),
            Target = new Target { Address = $"/devices/d{i}/messages/events".ToValue() },
            InitialDeliveryCount = 0,
        };
        if (kind == "device")
            return QuietPeer.Opening($"d{i}@sas.hub1", hub.DeviceToken($"d{i}"), attach);
        var group = i / 32 == 0 ? "$Default" : $"g{i / 32}";
        return QuietPeer.Opening("service@sas.root.hub1", hub.PolicyToken("service"), attach with
        {
            Role = Role.Receiver,
            Source = new Source { Address = $"{hub.Entity}/ConsumerGroups/{group}/Partitions/{i % 32}".ToValue() },
            Target = new Target(),
            InitialDeliveryCount = null,
        });
    }

    private static (QuietPeer Peer, Task Running) Connect(TestHub hub, string id)
    {
        var (hubEnd, peerEnd) = DuplexPipe.CreatePair(64 * 1024);
        var peer = new AmqpPeer(id, null, IsSecure: true, TlsServerName: null, ClientCertificate: null, Transport: "memory");
        return (new QuietPeer(peerEnd), hub.Listener.RunAsync(hubEnd, peer, CancellationToken.None));
    }

    private static async Task ThroughAsync(DuplexPipe from, DuplexPipe to, byte[] bytes)
    {
        await from.Output.WriteAsync(bytes, TestContext.Current.CancellationToken);
        var read = await to.Input.ReadAsync(TestContext.Current.CancellationToken);
        to.Input.AdvanceTo(read.Buffer.End);
    }

    private static long Heap()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
