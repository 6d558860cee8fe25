using System.IO.Pipelines;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Engine;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Amqp.Tests.Transport;

/// <summary>Peers that read too slowly, owners that work too slowly, owners that are broken (row 49).</summary>
public sealed class BackPressureTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task PeerThatAsksAndDoesNotRead_IsNoLongerReadFromAndCutAfterThirtySeconds()
    {
        const int OutputBytesMax = 200_000;
        var options = new PipeOptions(pauseWriterThreshold: 10_000, resumeWriterThreshold: 5_000);
        var hub = DrivenConnection.Hub(_time, new AmqpLimits { EchoesPerSecondMax = int.MaxValue, OutputBytesMax = OutputBytesMax }, options).Start();
        var other = DrivenConnection.Hub(_time).Start();
        await hub.OpenAsync();
        await other.OpenAsync();
        var echo = Frames.Frame(new Flow { NextIncomingId = 1, IncomingWindow = 1, NextOutgoingId = 1, OutgoingWindow = 1, Echo = true });
        var flood = Enumerable.Repeat(echo, 300).SelectMany(b => b).ToArray();
        var write = Task.CompletedTask;
        var written = 0L;
        for (var i = 0; i < 1_000; i++)
        {
            write = hub.ToEngine.WriteAsync(flood, TestContext.Current.CancellationToken).AsTask();
            await DrivenConnection.UntilAsync(() => write.IsCompleted || hub.Driver.HoldsReaderBack);
            if (!write.IsCompleted)
                break;
            written += flood.Length;
        }
        Assert.False(write.IsCompleted, "The hub reads on and on.");
        Assert.True(hub.Driver.HoldsReaderBack);
        Assert.InRange(written, 1, 2_000_000);
        Assert.InRange(hub.Engine.Output.Length, 0, OutputBytesMax + 50_000);

        // Meanwhile somebody else is served.
        await other.WriteAsync(echo);
        await other.ReadAsync<Flow>();
        await other.WriteAsync(Frames.Frame([]));

        Assert.Equal(30, await DrivenConnection.AdvanceUntilAsync(_time, () => hub.Driver.IsCut, 100));
        Assert.Null(await hub.ClosedAsync());
        Assert.False(other.Running.IsCompleted);
        other.Driver.Abort();
        await other.EndedAsync();
    }

    [Fact]
    public async Task PeerThatReadsSlowly_IsServedSlowlyAndNotCut()
    {
        var options = new PipeOptions(pauseWriterThreshold: 10_000, resumeWriterThreshold: 5_000);
        var hub = DrivenConnection.Hub(_time, new AmqpLimits { IdleTimeoutMs = 0 }, options);
        SenderLink? link = null;
        var sent = 0;
        hub.Owner.WhenEvent = e =>
        {
            link = e.Link as SenderLink ?? link;
            hub.Driver.Wake();
        };
        hub.Owner.WhenWritable = bytesMax =>
        {
            var start = hub.Engine.Output.Length;
            while (link is { CanSend: true } && hub.Engine.Output.Length - start < bytesMax && link.TrySend([1], 0, new byte[10_000], settled: true))
                sent++;
            return link is { CanSend: true };
        };
        hub.Start();
        await hub.OpenAsync();
        await hub.WriteAsync(Frames.Frame(ScriptedPeer.ReceiverAttach("down")), Frames.Frame(new Flow
        {
            NextIncomingId = 1,
            IncomingWindow = 100_000,
            NextOutgoingId = 1,
            OutgoingWindow = 1,
            Handle = 0,
            DeliveryCount = 0,
            LinkCredit = 100_000,
        }));
        await hub.ReadAsync<Attach>();
        for (var i = 0; i < 100; i++)
        {
            // 10,000 bytes in 3 s: slow, but it moves. In all that is ten times the stall limit.
            await hub.ReadAsync<Transfer>();
            _time.Advance(TimeSpan.FromSeconds(3));
        }
        Assert.False(hub.Running.IsCompleted);
        // The owner was asked for more only when the last chunk was gone.
        Assert.InRange(sent, 100, 160);
        hub.Driver.Abort();
        await hub.EndedAsync();
    }

    [Fact]
    public async Task OwnerThatIsSlow_HoldsThePeerBackAndDoesNotBlameItForItsSilence()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hub = DrivenConnection.Hub(_time).Start();
        await hub.OpenAsync();
        await hub.WriteAsync(Frames.Frame(ScriptedPeer.SenderAttach("up")));
        await hub.ReadAsync<Attach>();
        await hub.ReadAsync<Flow>();
        hub.Owner.WhenEvent = e =>
        {
            if (e.Kind == AmqpEventKind.Delivery)
                hub.Owner.WhenReady = async token => await gate.Task.WaitAsync(token);
        };
        await hub.WriteAsync(Transfer(0));
        await DrivenConnection.UntilAsync(() => hub.Owner.Count(AmqpEventKind.Delivery) == 1);
        await hub.WriteAsync(Transfer(1));
        await DrivenConnection.UntilAsync(() => hub.Driver.HoldsReaderBack);
        // Ten minutes: far beyond the time after which silence would be fatal.
        for (var i = 0; i < 600; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.Equal(1, hub.Owner.Count(AmqpEventKind.Delivery));
        Assert.Empty(hub.Owner.Events.Where(e => e.Kind == AmqpEventKind.Closed).Select(e => e.Error!.Description));
        Assert.False(hub.Running.IsCompleted);
        gate.SetResult();
        await DrivenConnection.UntilAsync(() => hub.Owner.Count(AmqpEventKind.Delivery) == 2);
        Assert.Equal(0, hub.Owner.Count(AmqpEventKind.Closed));
        hub.Driver.Abort();
        await hub.EndedAsync();
    }

    [Fact]
    public async Task OwnerThatWaitsForEver_CanStillBeAborted()
    {
        var hub = DrivenConnection.Hub(_time);
        hub.Owner.WhenReady = async token => await Task.Delay(Timeout.InfiniteTimeSpan, _time, token);
        hub.Start();
        await hub.OpenAsync();
        hub.Driver.Abort();
        await hub.EndedAsync();
        Assert.Null(await hub.ClosedAsync());
    }

    [Theory]
    [InlineData("event")]
    [InlineData("prepare")]
    [InlineData("writable")]
    [InlineData("ready")]
    [InlineData("timer")]
    [InlineData("invoke")]
    public async Task OwnerThatIsBroken_EndsItsConnectionAndNoOther(string where)
    {
        var hub = DrivenConnection.Hub(_time, new AmqpLimits { IdleTimeoutMs = 10_000 });
        var other = DrivenConnection.Hub(_time).Start();
        var bug = new InvalidOperationException("bug");
        hub.Start();
        await hub.OpenAsync();
        await other.OpenAsync();
        switch (where)
        {
            case "event":
                hub.Owner.WhenEvent = _ => throw bug;
                await hub.WriteAsync(Frames.Frame(new End()));
                break;
            case "prepare":
                hub.Owner.WhenPreparing = () => throw bug;
                hub.Driver.Wake();
                break;
            case "writable":
                hub.Owner.WhenWritable = _ => throw bug;
                hub.Driver.Wake();
                break;
            case "ready":
                hub.Owner.WhenReady = _ => throw bug;
                await hub.WriteAsync(Frames.Frame([]));
                break;
            case "timer":
                // The silence of the peer is an event that comes of the clock alone.
                hub.Owner.WhenEvent = _ => throw bug;
                Assert.Equal(20, await DrivenConnection.AdvanceUntilAsync(_time, () => hub.Driver.IsCut, 60));
                break;
            case "invoke":
                Assert.Same(bug, Assert.Throws<InvalidOperationException>(() => hub.Driver.Invoke(bug, static (_, bug) => throw bug)));
                break;
        }
        Assert.Same(bug, await hub.ClosedAsync());
        await hub.EndedAsync();
        Assert.Equal(1, hub.Owner.ClosedCalls);
        await other.WriteAsync(Frames.Frame(new End()));
        await other.WriteAsync(Frames.Frame(new Close()));
        await other.EndedAsync();
        Assert.Null(await other.ClosedAsync());
    }

    private static byte[] Transfer(uint id) =>
        Frames.Frame(new Transfer { Handle = 0, DeliveryId = id, DeliveryTag = BitConverter.GetBytes(id) }, 0, [1]);
}
