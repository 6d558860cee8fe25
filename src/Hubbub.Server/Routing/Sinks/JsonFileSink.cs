using Hubbub.Core.Routing.Dispatch;
using Hubbub.Storage.Files;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>Delivers events into JSON-lines files. See docs/wire/endpoints.md.</summary>
internal sealed class JsonFileSink : IEndpointSink
{
    private readonly TimeProvider _time;
    private readonly RotatingFile _file;
    private readonly EventJson _json = new();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly ITimer _timer;
    private string? _state;

    /// <param name="endpoint">The endpoint's name, with which the files' names begin.</param>
    /// <param name="directory">Where the files go, absolute.</param>
    /// <param name="options">When a file is finished.</param>
    /// <param name="files">The file system.</param>
    /// <param name="time">The clock.</param>
    public JsonFileSink(
        string endpoint, string directory, JsonFileOptions options, IFileSystem files, TimeProvider time)
    {
        _time = time;
        _file = new RotatingFile(
            files,
            directory,
            new RotatingFileName(endpoint, ".jsonl"),
            options.RotateBytes,
            options.RotateAfter,
            static line => JsonBody.IsValid(line.Span),
            time);
        _timer = time.CreateTimer(
            static self => ((JsonFileSink)self!).FinishOld(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public string? State => Volatile.Read(ref _state);

    public ValueTask<SinkResult> OpenAsync(string? state, CancellationToken cancellationToken) =>
        RunAsync(() => _file.Open(state), static () => 0, cancellationToken);

    public ValueTask<SinkResult> DeliverAsync(
        ReadOnlyMemory<StoredEvent> events, string batchId, CancellationToken cancellationToken)
    {
        var written = 0;
        return RunAsync(() => Write(events.Span, ref written), () => written, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await _turn.WaitAsync();
        _file.Dispose();
        _json.Dispose();
        _turn.Dispose();
    }

    /// <summary>
    /// Writes as many lines at a time as the file has room for: a large batch would make it larger than it may be, and
    /// what a disk that gets full has taken need not be written again.
    /// </summary>
    private void Write(ReadOnlySpan<StoredEvent> events, ref int written)
    {
        _json.WriteLines(events);
        var lines = _json.Written.Span;
        while (written < events.Length)
        {
            _file.RotateWhenDue();
            var room = _file.RoomBytes;
            var first = written;
            var length = 0;
            do
            {
                length += lines[length..].IndexOf((byte)'\n') + 1;
                first++;
            }
            while (first < events.Length && length < room);
            _file.Append(lines[..length], events[written].SequenceNumber);
            written = first;
            lines = lines[length..];
        }
    }

    private async ValueTask<SinkResult> RunAsync(Action write, Func<int> written, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            write();
            return SinkResult.Done(written());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return SinkResult.Retry(
                e is StorageFullException ? $"The disk is full: {e.Message}" : $"Files cannot be written: {e.Message}",
                written());
        }
        finally
        {
            Rearm();
            _turn.Release();
        }
    }

    /// <summary>An old file is finished also when no event comes: whoever collects the files waits for it.</summary>
    private void FinishOld()
    {
        // Whoever has the turn looks at the file's age too, and arms the timer again.
        if (!_turn.Wait(0))
            return;
        try
        {
            _file.RotateWhenDue();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next delivery meets the same, and reports it.
        }
        finally
        {
            Rearm();
            _turn.Release();
        }
    }

    private void Rearm()
    {
        Volatile.Write(ref _state, _file.State);
        if (_file.DueAt is not { } due)
            return;
        // A second at least: when finishing failed, it is due at once, and would fail as fast as it can be tried.
        var left = due - _time.GetUtcNow();
        _timer.Change(left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
    }
}
