using System.IO.Pipelines;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>Writes one performative.</summary>
internal delegate void Encode(ref AmqpWriter writer);

/// <summary>
/// A scripted client at the level of frames: sends what the test says, right or wrong, and keeps what the hub answers
/// until the test asks for it. On top of that the few steps that most tests share.
/// </summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private readonly IDuplexPipe _transport;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly Signal _changed = new();
    private readonly List<ReceivedFrame> _inbox = [];
    private readonly Dictionary<(ushort Channel, uint Id), Disposition> _outcomes = [];
    private readonly Dictionary<ushort, PeerSession> _sessions = [];
    private readonly Task _reading;
    private volatile bool _ended;
    private volatile TaskCompletionSource? _pause;

    public RawPeer(IDuplexPipe transport, Task hubSide, string id)
    {
        (_transport, HubSide, Id) = (transport, hubSide, id);
        _reading = ReadAsync();
    }

    /// <summary>The hub's work on this connection; completes when it is over.</summary>
    public Task HubSide { get; }

    /// <summary>The connection's id in log lines.</summary>
    public string Id { get; }

    /// <summary>Protocol headers that the hub sent.</summary>
    public List<byte[]> Headers { get; } = [];

    /// <summary>True when the hub has closed its end of the bytes.</summary>
    public bool IsEnded => _ended;

    /// <summary>Bytes of the largest frame that has come.</summary>
    public int LargestFrame { get; private set; }

    public Open? RemoteOpen { get; private set; }

    /// <summary>What has come and was not asked for yet.</summary>
    public IReadOnlyList<ReceivedFrame> Inbox
    {
        get
        {
            lock (_inbox)
                return [.. _inbox];
        }
    }

    public PeerSession Session(ushort channel)
    {
        lock (_inbox)
            return _sessions.TryGetValue(channel, out var session) ? session : _sessions[channel] = new PeerSession(this, channel);
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await _sending.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            await _transport.Output.WriteAsync(bytes, TestContext.Current.CancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    public Task SendAsync(ushort channel, Encode performative, ReadOnlySpan<byte> payload = default, byte type = FrameType.Amqp)
    {
        using var buffer = new ByteBuffer();
        AppendFrame(buffer, channel, performative, payload, type);
        return SendAsync(buffer.WrittenSpan.ToArray());
    }

    public static void AppendFrame(
        ByteBuffer buffer, ushort channel, Encode performative, ReadOnlySpan<byte> payload = default, byte type = FrameType.Amqp)
    {
        var start = FrameWriter.Begin(buffer, type, channel);
        var writer = new AmqpWriter(buffer);
        performative(ref writer);
        buffer.Write(payload);
        FrameWriter.End(buffer, start);
    }

    /// <summary>The next frame of a kind that fits; others stay for later.</summary>
    public async Task<ReceivedFrame> NextFrameAsync<T>(Func<T, bool>? fits = null, ushort? channel = null) =>
        await _changed.UntilAsync(
            () =>
            {
                var isLast = _ended;
                return Take<T>(fits, channel) ?? (isLast
                    ? throw new InvalidOperationException($"{Id} ended without {typeof(T).Name}; there are: {Describe()}")
                    : null);
            },
            () => $"{typeof(T).Name} on {Id}{(_ended ? " (ended)" : "")}; there are: {Describe()}");

    /// <summary>The next performative of a kind that fits.</summary>
    public async Task<T> NextAsync<T>(Func<T, bool>? fits = null, ushort? channel = null) =>
        (T)(await NextFrameAsync(fits, channel)).Performative!;

    public async Task<Disposition> WhenSettledAsync(ushort channel, uint deliveryId)
    {
        var found = await _changed.UntilAsync(
            () =>
            {
                lock (_inbox)
                    return _outcomes.TryGetValue((channel, deliveryId), out var disposition) ? new Box(disposition) : null;
            },
            () => $"the outcome of delivery {deliveryId} on {Id}{(_ended ? " (ended)" : "")}; there are: {Describe()}");
        return found.Value;
    }

    /// <summary>True when the hub has told an outcome.</summary>
    public bool IsSettled(ushort channel, uint deliveryId)
    {
        lock (_inbox)
            return _outcomes.ContainsKey((channel, deliveryId));
    }

    /// <summary>Waits until the hub has ended the connection, down to the bytes.</summary>
    public async Task WhenEndedAsync()
    {
        await _changed.UntilAsync(() => _ended ? this : null, () => $"the end of {Id}; there are: {Describe()}");
        await HubSide.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    public Task WhenHeaderAsync(int count) => _changed.UntilAsync(
        () => Headers.Count >= count ? this : null, () => $"{count} headers on {Id}; there are {Headers.Count}");

    /// <summary>Waits until what has come, and was not asked for, looks so.</summary>
    public Task WhenInboxAsync(Func<IReadOnlyList<ReceivedFrame>, bool> looks) => _changed.UntilAsync(
        () => looks(Inbox) ? this : null, () => $"frames on {Id}{(_ended ? " (ended)" : "")}; there are: {Describe()}");

    /// <summary>Drops what nobody will ask for.</summary>
    public void ForgetInbox()
    {
        lock (_inbox)
            _inbox.Clear();
    }

    /// <summary>Stops taking the hub's bytes.</summary>
    public void Pause() => _pause = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Resume()
    {
        var pause = _pause;
        _pause = null;
        pause?.SetResult();
    }

    /// <summary>Drops the connection without a word.</summary>
    public async ValueTask DisposeAsync()
    {
        Resume();
        await _transport.Output.CompleteAsync();
        await HubSide.WaitAsync(TimeSpan.FromSeconds(60));
        await _reading;
    }

    private ReceivedFrame? Take<T>(Func<T, bool>? fits, ushort? channel)
    {
        lock (_inbox)
        {
            for (var i = 0; i < _inbox.Count; i++)
            {
                if (_inbox[i].Performative is not T performative || (channel is { } c && c != _inbox[i].Channel)
                    || (fits is not null && !fits(performative)))
                    continue;
                var frame = _inbox[i];
                _inbox.RemoveAt(i);
                return frame;
            }
        }
        return null;
    }

    private async Task ReadAsync()
    {
        var input = _transport.Input;
        try
        {
            while (true)
            {
                var read = await input.ReadAsync();
                if (_pause is { } pause)
                    await pause.Task;
                var buffer = read.Buffer;
                var bytes = System.Buffers.BuffersExtensions.ToArray(buffer);
                var used = Decode(bytes);
                input.AdvanceTo(buffer.GetPosition(used), buffer.End);
                _changed.Set();
                if (read.IsCompleted)
                    break;
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException
            or System.Net.WebSockets.WebSocketException)
        {
            // The hub cut the connection, or the test did.
        }
        _ended = true;
        _changed.Set();
        await input.CompleteAsync();
    }

    private int Decode(byte[] bytes)
    {
        var used = 0;
        while (true)
        {
            var rest = bytes.AsMemory(used);
            if (rest.Length >= 8 && rest.Span.StartsWith("AMQP"u8))
            {
                Headers.Add(rest[..8].ToArray());
                used += 8;
                continue;
            }
            var size = FrameReader.Read(rest, uint.MaxValue >> 1, out var frame);
            if (size == 0)
                return used;
            used += size;
            LargestFrame = Math.Max(LargestFrame, size);
            Note(ReceivedFrame.Decode(frame));
        }
    }

    private void Note(ReceivedFrame frame)
    {
        lock (_inbox)
        {
            switch (frame.Performative)
            {
                case null:
                    return;
                case Open open:
                    RemoteOpen = open;
                    break;
                case Transfer when _sessions.TryGetValue(frame.Channel, out var session):
                    session.NextIncomingId++;
                    break;
                case Begin begin when _sessions.TryGetValue(frame.Channel, out var session):
                    session.NextIncomingId = begin.NextOutgoingId;
                    break;
                case Disposition { Role: Role.Receiver } disposition:
                    for (var id = disposition.First; id <= (disposition.Last ?? disposition.First); id++)
                        _outcomes[(frame.Channel, id)] = disposition;
                    break;
            }
            _inbox.Add(frame);
        }
    }

    private string Describe() => string.Join("; ", Inbox.TakeLast(20).Select(f => $"{f.Channel}: {f.Performative}"));

    private sealed record Box(Disposition Value);
}
