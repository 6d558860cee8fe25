using System.Buffers;
using System.IO.Pipelines;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;

namespace Hubbub.Amqp.Transport;

/// <summary>
/// The async shell around one engine, the same for hub and client: a read loop, a write loop, a timer, and the one
/// lock of the connection. It knows pipes and time, and nothing of what the connection is for.
/// </summary>
public sealed partial class ConnectionDriver
{
    /// <summary>What the owner may send at once; small enough that one link does not hold up the others.</summary>
    private const int WriteChunkBytes = 256 * 1024;

    /// <summary>
    /// Bytes given to the transport in one write. The stall limit counts for each, so a slow link that still moves
    /// (a kilobyte a second) is not taken for a dead one.
    /// </summary>
    private const int WriteSliceBytes = 32 * 1024;

    private readonly IDuplexPipe _transport;
    private readonly AmqpConnection _engine;
    private readonly IConnectionOwner _owner;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly AsyncSignal _wakeWriter = new();
    private readonly AsyncSignal _wakeReader = new();
    private readonly CancellationTokenSource _aborted = new();
    private ByteBuffer _spare = new();
    private int _writingBytes;
    private volatile bool _readerDone;
    private volatile bool _readerWaits;
    private bool _awaitsOwner;
    private Exception? _fault;

    /// <summary>Joins an engine with its transport and its owner; <see cref="RunAsync"/> sets it going.</summary>
    public ConnectionDriver(IDuplexPipe transport, AmqpConnection engine, IConnectionOwner owner, TimeProvider time)
    {
        _transport = transport;
        _engine = engine;
        _owner = owner;
        _time = time;
    }

    /// <summary>Milliseconds on the monotonic clock that engines of this driver use.</summary>
    public static long NowMs(TimeProvider time) => (long)time.GetElapsedTime(0, time.GetTimestamp()).TotalMilliseconds;

    /// <summary>
    /// Calls <paramref name="action"/> under the connection's lock, then sends what it wrote. What it throws ends the
    /// connection and comes back to the caller.
    /// </summary>
    public void Invoke<TState>(TState state, Action<AmqpConnection, TState> action)
    {
        try
        {
            lock (_gate)
            {
                _engine.NowMs = NowMs(_time);
                action(_engine, state);
                TakeEvents();
                LetReaderGoOn();
                Rearm();
            }
        }
        catch (Exception e)
        {
            Fail(e);
            throw;
        }
        _wakeWriter.Signal();
    }

    /// <summary>True while nothing is read, because the owner or the output has to catch up.</summary>
    internal bool HoldsReaderBack => _readerWaits;

    /// <summary>True when the connection was cut, or has come to its end.</summary>
    internal bool IsCut => _aborted.IsCancellationRequested;

    /// <summary>Makes the writing side call the owner. Cheap, takes no lock, and may be called from anywhere.</summary>
    public void Wake() => _wakeWriter.Signal();

    /// <summary>Cuts the connection without a word.</summary>
    public void Abort() => _aborted.Cancel();

    /// <summary>
    /// Runs the connection to its end: until it is closed by either side, cut, or broken. Never throws; the owner
    /// hears of faults.
    /// </summary>
    public async Task RunAsync()
    {
        StartTimer();
        var writing = WriteLoopAsync();
        _wakeWriter.Signal();
        try
        {
            await ReadLoopAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The peer is gone or was cut: an end like any other, told by OnClosed.
        }
#pragma warning disable CA1031 // A bug closes this connection and no other; the owner logs it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }
        _readerDone = true;
        _wakeWriter.Signal();
        await writing.ConfigureAwait(false);
        await StopTimerAsync().ConfigureAwait(false);
        await _transport.Output.CompleteAsync().ConfigureAwait(false);
        await _transport.Input.CompleteAsync().ConfigureAwait(false);
        lock (_gate)
        {
            _owner.OnClosed(_fault);
            _spare.Dispose();
            _engine.Output.Dispose();
        }
    }

    private async Task ReadLoopAsync()
    {
        var input = _transport.Input;
        var aborted = _aborted.Token;
        // Cancelling the pending read is cheaper than a token registration for each read.
        await using var registration = aborted.UnsafeRegister(
            static self => ((ConnectionDriver)self!).CancelReading(), this).ConfigureAwait(false);
        while (true)
        {
            var read = await input.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            if (aborted.IsCancellationRequested)
                return;
            var buffer = read.Buffer;
            var rest = Feed(buffer, out var awaitsOwner, out var ended);
            while (awaitsOwner && !aborted.IsCancellationRequested)
            {
                await HoldBackAsync(_wakeReader.WaitAsync()).ConfigureAwait(false);
                rest = Feed(rest, out awaitsOwner, out ended);
            }
            input.AdvanceTo(rest.Start, buffer.End);
            if (ended || read.IsCompleted)
                return;
            await HoldBackAsync(_owner.WhenReadyToReadAsync(aborted)).ConfigureAwait(false);
            await HoldBackAsync(WhenOutputBelowLimitAsync(aborted)).ConfigureAwait(false);
        }
    }

    private void CancelReading()
    {
        _transport.Input.CancelPendingRead();
        _wakeReader.Signal();
    }

    /// <summary>Wakes the reader when the owner has decided what it waited for; the lock is held.</summary>
    private void LetReaderGoOn()
    {
        if (!_awaitsOwner || _engine.AwaitsOwner)
            return;
        _awaitsOwner = false;
        _wakeReader.Signal();
    }

    /// <summary>Waits, and notes that the peer cannot be heard meanwhile.</summary>
    private async ValueTask HoldBackAsync(ValueTask until)
    {
        if (until.IsCompletedSuccessfully)
        {
            await until.ConfigureAwait(false);
            return;
        }
        _readerWaits = true;
        await until.ConfigureAwait(false);
        lock (_gate)
        {
            _readerWaits = false;
            _engine.NowMs = NowMs(_time);
            _engine.ExcuseSilence();
        }
    }

    /// <summary>Gives the engine what it can use; returns the rest.</summary>
    private ReadOnlySequence<byte> Feed(ReadOnlySequence<byte> buffer, out bool awaitsOwner, out bool ended)
    {
        bool anythingToWrite;
        lock (_gate)
        {
            _engine.NowMs = NowMs(_time);
            while (!buffer.IsEmpty)
            {
                var chunk = buffer.First;
                var used = FeedContiguous(chunk);
                buffer = buffer.Slice(used);
                if (used == chunk.Length)
                    continue;
                if (buffer.IsSingleSegment || _engine.AwaitsOwner)
                    break;
                used = FeedStraddling(buffer);
                if (used == 0)
                    break;
                buffer = buffer.Slice(used);
            }
            awaitsOwner = _awaitsOwner = _engine.AwaitsOwner;
            ended = _engine.IsEnded;
            anythingToWrite = ended || _engine.Output.Length > 0;
            Rearm();
        }
        if (anythingToWrite)
            _wakeWriter.Signal();
        return buffer;
    }

    private int FeedContiguous(ReadOnlyMemory<byte> chunk)
    {
        var total = 0;
        while (true)
        {
            var happened = _engine.TryReceive(chunk[total..], out var used, out var e);
            total += used;
            if (!happened)
                return total;
            _owner.OnEvent(e);
        }
    }

    /// <summary>A frame that lies across two segments of the pipe is copied together.</summary>
    private int FeedStraddling(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> head = stackalloc byte[8];
        var headLength = (int)Math.Min(head.Length, buffer.Length);
        buffer.Slice(0, headLength).CopyTo(head);
        var needed = _engine.BytesNeeded(head[..headLength]);
        if (buffer.Length < needed)
            return 0;
        var rented = ArrayPool<byte>.Shared.Rent(needed);
        try
        {
            buffer.Slice(0, needed).CopyTo(rented);
            return FeedContiguous(rented.AsMemory(0, needed));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Events that came of our own calls, not of input.</summary>
    private void TakeEvents()
    {
        while (_engine.TryReceive(default, out _, out var e))
            _owner.OnEvent(e);
    }

    /// <summary>Ends this connection because of a bug, and keeps the first one for the owner.</summary>
    private void Fail(Exception fault)
    {
        Interlocked.CompareExchange(ref _fault, fault, null);
        _aborted.Cancel();
    }
}
