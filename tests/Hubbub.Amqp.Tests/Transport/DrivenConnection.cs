using System.Buffers;
using System.IO.Pipelines;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Engine;
using Hubbub.Amqp.Transport;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Amqp.Tests.Transport;

/// <summary>An engine, its driver and its owner on one end of two in-memory pipes.</summary>
internal sealed class DrivenConnection
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private DrivenConnection(AmqpConnectionOptions options, PipeReader input, PipeWriter output, TimeProvider time)
    {
        Engine = new AmqpConnection(options with { StartedMs = ConnectionDriver.NowMs(time) });
        Owner = new TestOwner { Engine = Engine };
        Driver = new ConnectionDriver(new Duplex(input, output), Engine, Owner, time);
    }

    public AmqpConnection Engine { get; }

    public TestOwner Owner { get; }

    public ConnectionDriver Driver { get; }

    public Task Running { get; private set; } = Task.CompletedTask;

    /// <summary>What the test writes as the peer; only when the peer is the test itself.</summary>
    public PipeWriter ToEngine { get; private init; } = null!;

    /// <summary>What the test reads as the peer.</summary>
    public PipeReader FromEngine { get; private init; } = null!;

    /// <summary>A hub whose peer is the test.</summary>
    public static DrivenConnection Hub(FakeTimeProvider time, AmqpLimits? limits = null, PipeOptions? pipeOptions = null)
    {
        var (to, from) = (new Pipe(pipeOptions ?? PipeOptions.Default), new Pipe(pipeOptions ?? PipeOptions.Default));
        var hub = new DrivenConnection(HubOptions(limits), to.Reader, from.Writer, time)
        {
            ToEngine = to.Writer,
            FromEngine = from.Reader,
        };
        return hub;
    }

    /// <summary>A client and a hub, joined.</summary>
    public static (DrivenConnection Client, DrivenConnection Hub) Pair(FakeTimeProvider time, PipeOptions? pipeOptions = null)
    {
        var (up, down) = (new Pipe(pipeOptions ?? PipeOptions.Default), new Pipe(pipeOptions ?? PipeOptions.Default));
        var client = new AmqpConnectionOptions
        {
            Role = ConnectionRole.Client,
            LocalOpen = new Open { ContainerId = "client" },
            SaslInit = new SaslInit { Mechanism = "ANONYMOUS" },
        };
        return (
            new DrivenConnection(client, down.Reader, up.Writer, time),
            new DrivenConnection(HubOptions(null), up.Reader, down.Writer, time));
    }

    public DrivenConnection Start()
    {
        Running = Driver.RunAsync();
        return this;
    }

    public Task WriteAsync(params byte[][] pieces) =>
        ToEngine.WriteAsync(pieces.SelectMany(p => p).ToArray(), Token).AsTask().WaitAsync(Patience, Token);

    /// <summary>Reads one frame or header of the engine.</summary>
    public async Task<byte[]> ReadAsync()
    {
        while (true)
        {
            var read = await FromEngine.ReadAsync(Token).AsTask().WaitAsync(Patience, Token);
            var bytes = read.Buffer.Slice(0, Math.Min(8, read.Buffer.Length)).ToArray();
            var size = bytes.Length < 8 ? 8 : bytes.AsSpan().StartsWith("AMQP"u8) ? 8 : FrameReader.BytesNeeded(bytes, uint.MaxValue);
            if (read.Buffer.Length >= size)
            {
                var frame = read.Buffer.Slice(0, size).ToArray();
                FromEngine.AdvanceTo(read.Buffer.GetPosition(size));
                return frame;
            }
            FromEngine.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
            {
                var events = string.Join(", ", Owner.Events.Select(e => (e.Kind, e.Error?.Description)));
                Assert.Fail($"The engine's side ended: {events} {await ClosedAsync()}");
            }
        }
    }

    /// <summary>Reads one performative; heartbeats before it mean nothing.</summary>
    public async Task<T> ReadAsync<T>()
    {
        var bytes = await ReadAsync();
        while (bytes.Length == 8)
            bytes = await ReadAsync();
        FrameReader.Read(bytes, uint.MaxValue, out var frame);
        return Assert.IsType<T>(Frames.Decode(frame.Body, out _));
    }

    /// <summary>Plays a client up to a session on channel 0.</summary>
    public async Task OpenAsync()
    {
        await WriteAsync(
            Frames.AmqpHeader,
            Frames.Frame(new Open { ContainerId = "c" }),
            Frames.Frame(new Begin { NextOutgoingId = 1, IncomingWindow = 100_000, OutgoingWindow = 1 }));
        Assert.Equal(Frames.AmqpHeader, await ReadAsync());
        await ReadAsync<Open>();
        await ReadAsync<Begin>();
    }

    public Task EndedAsync() => Running.WaitAsync(Patience, Token);

    public Task<Exception?> ClosedAsync() => Owner.Closed.WaitAsync(Patience, Token);

    /// <summary>Waits for what other threads bring about.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Patience, "It never came about.");
            Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>Moves the clock second by second until something is true; gives the seconds.</summary>
    public static async Task<int> AdvanceUntilAsync(FakeTimeProvider time, Func<bool> condition, int secondsMax)
    {
        for (var second = 0; second <= secondsMax; second++)
        {
            for (var i = 0; i < 200 && !condition(); i++)
                await Task.Yield();
            if (condition())
                return second;
            time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Fail($"It did not come about in {secondsMax} s.");
        return 0;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static AmqpConnectionOptions HubOptions(AmqpLimits? limits) => new()
    {
        Role = ConnectionRole.Server,
        LocalOpen = new Open { ContainerId = "hub" },
        SaslMechanisms = ["ANONYMOUS"],
        Limits = limits ?? AmqpLimits.Default,
    };

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
