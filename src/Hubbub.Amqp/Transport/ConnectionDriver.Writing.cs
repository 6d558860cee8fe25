using Hubbub.Amqp.Codec;

namespace Hubbub.Amqp.Transport;

// The writing side: one loop that lets the owner send and hands the bytes on, and what holds the reader back.
public sealed partial class ConnectionDriver
{
    private async Task WriteLoopAsync()
    {
        try
        {
            while (true)
            {
                var full = Collect(out var more, out var ended);
                if (full is not null)
                {
                    if (!await WriteAsync(full.WrittenMemory).ConfigureAwait(false))
                        break;
                    full.Clear();
                    Written(full);
                }
                else if (ended)
                {
                    break;
                }
                else if (!more)
                {
                    await _wakeWriter.WaitAsync().ConfigureAwait(false);
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The peer is gone or was cut.
        }
#pragma warning disable CA1031 // As in RunAsync: a bug ends this connection only.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }
        // Whoever still reads has nothing to wait for: the peer got what there was.
        await _aborted.CancelAsync().ConfigureAwait(false);
        _wakeReader.Signal();
    }

    /// <summary>Hands bytes to the transport.</summary>
    /// <returns>False when the peer reads no more.</returns>
    private async ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var slice = bytes[..Math.Min(bytes.Length, WriteSliceBytes)];
            bytes = bytes[slice.Length..];
            var write = _transport.Output.WriteAsync(slice, _aborted.Token);
            if (!write.IsCompleted)
                WatchWrite();
            var flushed = await write.ConfigureAwait(false);
            Volatile.Write(ref _writeStartedMs, NotWriting);
            if (flushed.IsCompleted)
                return false;
        }
        return true;
    }

    /// <summary>Lets the owner send, and takes what there is to write; null when there is nothing.</summary>
    private ByteBuffer? Collect(out bool more, out bool ended)
    {
        _owner.Prepare();
        lock (_gate)
        {
            _engine.NowMs = NowMs(_time);
            more = !_engine.IsEnded && !_aborted.IsCancellationRequested && _owner.OnWritable(WriteChunkBytes);
            TakeEvents();
            LetReaderGoOn();
            Rearm();
            ended = _engine.IsEnded || _readerDone;
            _writingBytes = _engine.Output.Length;
            if (_writingBytes > 0)
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

    private void Written(ByteBuffer empty)
    {
        lock (_gate)
        {
            _spare = empty;
            _writingBytes = 0;
        }
        _wakeReader.Signal();
    }

    private async ValueTask WhenOutputBelowLimitAsync(CancellationToken aborted)
    {
        while (!aborted.IsCancellationRequested && IsOutputAboveLimit())
            await _wakeReader.WaitAsync().ConfigureAwait(false);
    }

    /// <summary>What is being written counts, and what was answered meanwhile does too.</summary>
    private bool IsOutputAboveLimit()
    {
        lock (_gate)
            return _writingBytes + (long)_engine.Output.Length > _engine.Limits.OutputBytesMax;
    }
}
