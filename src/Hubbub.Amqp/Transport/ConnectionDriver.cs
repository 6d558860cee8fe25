using System.Buffers;
using System.IO.Pipelines;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;

namespace Hubbub.Amqp.Transport;

/// <summary>
/// The async shell around one engine, the same for hub and client: a read loop, a write loop, a timer, and the one
/// lock of the connection. It knows pipes and time, and nothing of what the connection is for.
/// </summary>
public sealed class ConnectionDriver
{
    private const int WriteChunkBytes = 256 * 1024;
    private readonly IDuplexPipe _transport;
    private readonly AmqpConnection _engine;
    private readonly IConnectionOwner _owner;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly AsyncSignal _wakeWriter = new();
    private readonly AsyncSignal _outputDrained = new();
    private readonly CancellationTokenSource _aborted = new();
    private ByteBuffer _spare = new();
    private ITimer? _timer;
    private long _writeStartedMs = -1;
    private int _pendingOutputBytes;
    private bool _readerDone;

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

    /// <summary>Calls <paramref name="action"/> under the connection's lock, then sends what it wrote.</summary>
    public void Invoke<TState>(TState state, Action<AmqpConnection, TState> action)
    {
        lock (_gate)
        {
            _engine.NowMs = NowMs(_time);
            action(_engine, state);
        }
        _wakeWriter.Signal();
    }

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
        Exception? fault = null;
        _timer = _time.CreateTimer(static self => ((ConnectionDriver)self!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        OnTimer();
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
            fault = e;
            _aborted.Cancel();
        }
        Volatile.Write(ref _readerDone, true);
        _wakeWriter.Signal();
        fault = await writing.ConfigureAwait(false) ?? fault;
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _transport.Output.CompleteAsync().ConfigureAwait(false);
        await _transport.Input.CompleteAsync().ConfigureAwait(false);
        lock (_gate)
            _owner.OnClosed(fault);
        _spare.Dispose();
        _engine.Output.Dispose();
    }

    private async Task ReadLoopAsync()
    {
        var input = _transport.Input;
        var aborted = _aborted.Token;
        // Cancelling the pending read is cheaper than a token registration for each read.
        await using var registration = aborted.UnsafeRegister(
            static reader => ((PipeReader)reader!).CancelPendingRead(), input).ConfigureAwait(false);
        while (true)
        {
            var read = await input.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            if (aborted.IsCancellationRequested)
                return;
            var buffer = read.Buffer;
            var rest = Feed(buffer);
            while (_engine.AwaitsOwner && !aborted.IsCancellationRequested)
            {
                await _owner.WhenReadyToReadAsync(aborted).ConfigureAwait(false);
                rest = Feed(rest);
            }
            input.AdvanceTo(rest.Start, buffer.End);
            if (_engine.IsEnded || read.IsCompleted)
                return;
            await _owner.WhenReadyToReadAsync(aborted).ConfigureAwait(false);
            await WhenOutputBelowLimitAsync(aborted).ConfigureAwait(false);
        }
    }

    /// <summary>Gives the engine what it can use; returns the rest.</summary>
    private ReadOnlySequence<byte> Feed(ReadOnlySequence<byte> buffer)
    {
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
            if (_engine.Output.Length > 0 || _engine.IsEnded)
                _wakeWriter.Signal();
        }
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

    private async ValueTask WhenOutputBelowLimitAsync(CancellationToken aborted)
    {
        while (Volatile.Read(ref _pendingOutputBytes) > _engine.Limits.OutputBytesMax && !aborted.IsCancellationRequested)
            await _outputDrained.WaitAsync().ConfigureAwait(false);
    }

    private async Task<Exception?> WriteLoopAsync()
    {
        var output = _transport.Output;
        try
        {
            while (true)
            {
                var full = Collect(out var more, out var ended);
                if (full is not null)
                {
                    Volatile.Write(ref _writeStartedMs, NowMs(_time));
                    var flushed = await output.WriteAsync(full.WrittenMemory, _aborted.Token).ConfigureAwait(false);
                    Volatile.Write(ref _writeStartedMs, -1);
                    full.Clear();
                    _spare = full;
                    Volatile.Write(ref _pendingOutputBytes, 0);
                    _outputDrained.Signal();
                    if (flushed.IsCompleted)
                        return Finish(null);
                }
                else if (ended)
                {
                    return Finish(null);
                }
                else if (!more)
                {
                    await _wakeWriter.WaitAsync().ConfigureAwait(false);
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            return Finish(null);
        }
#pragma warning disable CA1031 // As in RunAsync: a bug ends this connection only.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Finish(e);
        }
    }

    /// <summary>Lets the owner send, and takes what there is to write; null when there is nothing.</summary>
    private ByteBuffer? Collect(out bool more, out bool ended)
    {
        _owner.Prepare();
        lock (_gate)
        {
            _engine.NowMs = NowMs(_time);
            more = !_engine.IsEnded && _owner.OnWritable(WriteChunkBytes);
            ended = _engine.IsEnded || Volatile.Read(ref _readerDone);
            _pendingOutputBytes = _engine.Output.Length;
            if (_pendingOutputBytes > 0)
                return _engine.SwapOutput(_spare);
            if (!more)
            {
                // An idle connection holds no buffer at all.
                _engine.Output.Release();
                _spare.Release();
            }
            return null;
        }
    }

    private Exception? Finish(Exception? fault)
    {
        _outputDrained.Signal();
        // Whoever still reads has nothing to wait for: the peer got what there was.
        _transport.Input.CancelPendingRead();
        if (!_aborted.IsCancellationRequested)
            _aborted.Cancel();
        return fault;
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            var now = _engine.NowMs = NowMs(_time);
            var started = Volatile.Read(ref _writeStartedMs);
            if (started >= 0 && now - started >= _engine.Limits.WriteStallMs)
            {
                _aborted.Cancel();
                return;
            }
            var nextMs = Math.Min(_engine.Tick(), now + _engine.Limits.WriteStallMs);
            while (_engine.TryReceive(default, out _, out var e))
                _owner.OnEvent(e);
            if (_engine.IsEnded)
                _aborted.Cancel();
            else
                _timer?.Change(TimeSpan.FromMilliseconds(Math.Max(1, nextMs - now)), Timeout.InfiniteTimeSpan);
            if (_engine.Output.Length > 0)
                _wakeWriter.Signal();
        }
    }
}
