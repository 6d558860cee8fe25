using System.IO.Pipelines;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Engine;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Amqp.Tests.Transport;

/// <summary>Both sides over in-memory pipes, with a clock that the test moves.</summary>
public sealed class ConnectionDriverTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(4_096)]
    [InlineData(1)]
    public async Task ClientAndHub_OverPipes_OpenSendSettleAndClose(int segmentBytes)
    {
        var (client, hub) = DrivenConnection.Pair(_time, new PipeOptions(minimumSegmentSize: segmentBytes));
        hub.Owner.WhenEvent = e =>
        {
            if (e.Kind == AmqpEventKind.Delivery)
                ((ReceiverLink)e.Link!).Settle(e.DeliveryId, e.DeliveryId, Accepted.Instance);
        };
        client.Start();
        hub.Start();
        await DrivenConnection.UntilAsync(() => client.Owner.Count(AmqpEventKind.Opened) == 1);
        SenderLink? link = null;
        client.Driver.Invoke(client, (engine, self) => link = (SenderLink)engine.BeginSession().Attach(ScriptedPeer.SenderAttach("up")));
        var sent = 0;
        client.Owner.WhenWritable = _ =>
        {
            while (sent < 1_000 && link is { CanSend: true }
                && link.TrySend(BitConverter.GetBytes(sent), 0, new byte[sent * 7], settled: false, token: sent))
                sent++;
            return false;
        };
        client.Owner.WhenEvent = _ => client.Driver.Wake();
        client.Driver.Wake();
        await DrivenConnection.UntilAsync(() => client.Owner.Count(AmqpEventKind.DeliveryUpdated) == 1_000);
        Assert.Equal(
            Enumerable.Range(0, 1_000).Select(i => i * 7),
            hub.Owner.Events.Where(e => e.Kind == AmqpEventKind.Delivery).Select(e => e.Payload.Length));
        client.Driver.Invoke(0, static (engine, _) => engine.Close());
        Assert.Null(await client.ClosedAsync());
        Assert.Null(await hub.ClosedAsync());
        await client.EndedAsync();
        await hub.EndedAsync();
        Assert.Equal((1, 1), (client.Owner.ClosedCalls, hub.Owner.ClosedCalls));
        Assert.Equal((1, 1), (client.Owner.Count(AmqpEventKind.Closed), hub.Owner.Count(AmqpEventKind.Closed)));
    }

    /// <summary>The owner takes its time, for a guess is answered late; the reader must not ask again and again.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sasl_DecidedLaterAndElsewhere_HoldsTheRestBackUntilThen(bool byInvoke)
    {
        var hub = DrivenConnection.Hub(_time);
        var isDecided = false;
        hub.Owner.SaslVerdict = null;
        hub.Owner.WhenWritable = _ =>
        {
            if (Volatile.Read(ref isDecided))
                hub.Engine.CompleteSasl(SaslCode.Ok);
            return false;
        };
        await StartSaslAsync(hub);
        Assert.Equal(0, hub.Owner.Count(AmqpEventKind.Opened));
        if (byInvoke)
        {
            hub.Driver.Invoke(0, static (engine, _) => engine.CompleteSasl(SaslCode.Ok));
        }
        else
        {
            Volatile.Write(ref isDecided, true);
            hub.Driver.Wake();
        }
        Assert.Equal(SaslCode.Ok, (await hub.ReadAsync<SaslOutcome>()).Code);
        Assert.Equal(Frames.AmqpHeader, await hub.ReadAsync());
        await hub.ReadAsync<Open>();
        hub.Driver.Abort();
        await hub.EndedAsync();
    }

    [Theory]
    [InlineData("abort")]
    [InlineData("refuse")]
    [InlineData("close")]
    [InlineData("deadline")]
    public async Task Sasl_NotDecided_EndsAllTheSame(string how)
    {
        var hub = DrivenConnection.Hub(_time);
        hub.Owner.SaslVerdict = null;
        await StartSaslAsync(hub);
        switch (how)
        {
            case "abort":
                hub.Driver.Abort();
                break;
            case "refuse":
                hub.Driver.Invoke(0, static (engine, _) => engine.CompleteSasl(SaslCode.Auth));
                break;
            case "close":
                hub.Driver.Invoke(0, static (engine, _) => engine.Close());
                break;
            case "deadline":
                Assert.Equal(20, await DrivenConnection.AdvanceUntilAsync(_time, () => hub.Driver.IsCut, 100));
                break;
        }
        await hub.EndedAsync();
        Assert.Null(await hub.ClosedAsync());
    }

    [Fact]
    public async Task Sasl_Refused_SendsTheOutcomeAndEnds()
    {
        var hub = DrivenConnection.Hub(_time);
        hub.Owner.SaslVerdict = SaslCode.Auth;
        hub.Start();
        await hub.WriteAsync(Frames.SaslHeader, Frames.Frame(new SaslInit { Mechanism = "ANONYMOUS" }), Frames.AmqpHeader);
        await hub.ReadAsync();
        await hub.ReadAsync<SaslMechanisms>();
        Assert.Equal(SaslCode.Auth, (await hub.ReadAsync<SaslOutcome>()).Code);
        await hub.EndedAsync();
        Assert.True((await hub.FromEngine.ReadAsync(TestContext.Current.CancellationToken)).IsCompleted);
    }

    [Fact]
    public async Task WrongHeader_IsAnsweredBeforeTheEnd()
    {
        var hub = DrivenConnection.Hub(_time).Start();
        await hub.WriteAsync("GET / HTTP/1.1"u8.ToArray());
        Assert.Equal(Frames.SaslHeader, await hub.ReadAsync());
        await hub.EndedAsync();
    }

    [Fact]
    public async Task Close_ThatThePeerAnswers_EndsAtOnce()
    {
        var hub = DrivenConnection.Hub(_time).Start();
        await hub.OpenAsync();
        hub.Driver.Invoke(0, static (engine, _) => engine.Close());
        await hub.ReadAsync<Close>();
        await hub.WriteAsync(Frames.Frame(new Close()));
        await hub.EndedAsync();
        Assert.Equal(1, hub.Owner.Count(AmqpEventKind.Closed));
    }

    [Fact]
    public async Task Close_ThatThePeerDoesNotAnswer_LingersFiveSeconds()
    {
        var hub = DrivenConnection.Hub(_time).Start();
        await hub.OpenAsync();
        hub.Driver.Invoke(0, static (engine, _) => engine.Close());
        await hub.ReadAsync<Close>();
        Assert.Equal(5, await DrivenConnection.AdvanceUntilAsync(_time, () => hub.Driver.IsCut, 60));
        Assert.Null(await hub.ClosedAsync());
    }

    [Fact]
    public async Task Close_OfThePeer_IsAnsweredBeforeTheEnd()
    {
        var hub = DrivenConnection.Hub(_time).Start();
        await hub.OpenAsync();
        await hub.WriteAsync(Frames.Frame(new Close()));
        await hub.ReadAsync<Close>();
        await hub.EndedAsync();
    }

    /// <summary>Row 9 to the end: a close frame, then nothing more is read, and the linger ends it.</summary>
    [Fact]
    public async Task BrokenFraming_IsAnsweredAndWhatStillComesIsDropped()
    {
        var hub = DrivenConnection.Hub(_time).Start();
        await hub.OpenAsync();
        await hub.WriteAsync(Frames.Frame([], size: 0xFFFF_FFFF));
        Assert.Equal(ErrorCondition.FramingError, (await hub.ReadAsync<Close>()).Error!.Condition.Value);
        // More than any pipe would hold: it is read, and forgotten.
        for (var i = 0; i < 100; i++)
            await hub.WriteAsync(new byte[65_536]);
        await DrivenConnection.AdvanceUntilAsync(_time, () => hub.Driver.IsCut, 10);
    }

    [Fact]
    public async Task Abort_EndsWithoutAWord()
    {
        var hub = DrivenConnection.Hub(_time).Start();
        await hub.OpenAsync();
        hub.Driver.Abort();
        await hub.EndedAsync();
        Assert.Null(await hub.ClosedAsync());
        Assert.True((await hub.FromEngine.ReadAsync(TestContext.Current.CancellationToken)).Buffer.IsEmpty);
    }

    /// <summary>Row 50: the end of the connection is heard of at once, in every state.</summary>
    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(2, true)]
    public async Task PeerThatIsGone_EndsTheConnectionAtOnce(int state, bool reset)
    {
        var hub = DrivenConnection.Hub(_time).Start();
        if (state == 1)
            await hub.WriteAsync(Frames.AmqpHeader[..5]);
        if (state == 2)
            await hub.OpenAsync();
        await hub.ToEngine.CompleteAsync(reset ? new IOException("Connection reset by peer") : null);
        await hub.EndedAsync();
        Assert.Null(await hub.ClosedAsync());
    }

    [Fact]
    public async Task StrangerWhoSaysNothing_IsCutAfterTwentySeconds()
    {
        var hub = DrivenConnection.Hub(_time).Start();
        Assert.Equal(20, await DrivenConnection.AdvanceUntilAsync(_time, () => hub.Driver.IsCut, 100));
        Assert.Equal(1, hub.Owner.Count(AmqpEventKind.Closed));
    }

    [Fact]
    public async Task QuietConnection_HearsAHeartbeatAMinute()
    {
        var hub = DrivenConnection.Hub(_time).Start();
        await hub.OpenAsync();
        for (var i = 0; i < 3; i++)
        {
            var beat = hub.ReadAsync();
            _time.Advance(TimeSpan.FromMilliseconds(59_999));
            Assert.Equal(0, hub.Engine.Output.Length);
            _time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Equal(Frames.Frame([]), await beat);
            await hub.WriteAsync(Frames.Frame([]));
        }
        hub.Driver.Abort();
        await hub.EndedAsync();
    }

    [Fact]
    public async Task EchoesPutOff_AreAnsweredAfterASecondByTheTimer()
    {
        var hub = DrivenConnection.Hub(_time, new AmqpLimits { EchoesPerSecondMax = 1 }).Start();
        await hub.OpenAsync();
        var echo = Frames.Frame(new Flow { NextIncomingId = 1, IncomingWindow = 1, NextOutgoingId = 1, OutgoingWindow = 1, Echo = true });
        await hub.WriteAsync(echo, echo, echo);
        await hub.ReadAsync<Flow>();
        var second = hub.ReadAsync<Flow>();
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(second.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await second;
        hub.Driver.Abort();
        await hub.EndedAsync();
    }

    [Fact]
    public async Task Invoke_FromManyThreads_IsSerialisedAndSent()
    {
        var hub = DrivenConnection.Hub(_time).Start();
        await hub.OpenAsync();
        await hub.WriteAsync(Frames.Frame(ScriptedPeer.ReceiverAttach("down")), Frames.Frame(new Flow
        {
            NextIncomingId = 1,
            IncomingWindow = 100_000,
            NextOutgoingId = 1,
            OutgoingWindow = 1,
            Handle = 0,
            DeliveryCount = 0,
            LinkCredit = 10_000,
        }));
        await hub.ReadAsync<Attach>();
        await DrivenConnection.UntilAsync(() => hub.Owner.Count(AmqpEventKind.LinkFlow) == 1);
        var link = (SenderLink)hub.Owner.Events.First(e => e.Kind == AmqpEventKind.LinkFlow).Link!;
        var senders = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 500; i++)
                hub.Driver.Invoke(link, static (_, link) => Assert.True(link.TrySend([1], 0, [1, 2, 3], settled: true)));
        })).ToArray();
        for (uint id = 0; id < 2_000; id++)
            Assert.Equal(id, (await hub.ReadAsync<Transfer>()).DeliveryId);
        await Task.WhenAll(senders);
        hub.Driver.Abort();
        await hub.EndedAsync();
    }

    /// <summary>Plays a client that sends all it has without waiting, up to where the hub waits for its owner.</summary>
    private static async Task StartSaslAsync(DrivenConnection hub)
    {
        var asked = 0;
        hub.Owner.WhenReady = _ =>
        {
            Interlocked.Increment(ref asked);
            return ValueTask.CompletedTask;
        };
        hub.Start();
        await hub.WriteAsync(
            Frames.SaslHeader, Frames.Frame(new SaslInit { Mechanism = "ANONYMOUS" }), Frames.AmqpHeader, Frames.Frame(new Open { ContainerId = "c" }));
        Assert.Equal(Frames.SaslHeader, await hub.ReadAsync());
        await hub.ReadAsync<SaslMechanisms>();
        await DrivenConnection.UntilAsync(() => hub.Driver.HoldsReaderBack || Volatile.Read(ref asked) > 100);
        Assert.True(hub.Driver.HoldsReaderBack, $"The reader asked {asked} times.");
    }
}
