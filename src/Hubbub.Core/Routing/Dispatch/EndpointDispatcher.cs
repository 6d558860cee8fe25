using System.Globalization;

namespace Hubbub.Core.Routing.Dispatch;

/// <summary>
/// Follows one endpoint's stream and gives its events to the endpoint's sink: in order, each at least once, for as long
/// as it takes. What is refused for good, or too old while the endpoint fails, becomes a dead letter; nothing is
/// dropped in silence. Whoever makes one disposes it; that stores the position.
/// </summary>
public sealed class EndpointDispatcher : IAsyncDisposable
{
    /// <summary>How long a delivery that is under way may take to end when the hub stops.</summary>
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(3);

    private readonly DispatchServices _services;
    private readonly EndpointProgress _progress;
    private readonly PositionKeeper _positions;
    private readonly RetryPace _pace;
    private readonly DispatchBatch _batch;
    private readonly CommitSignal _committed = new();
    private readonly IDisposable _subscription;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _aborting = new();
    private readonly Task _run;
    private DispatchReader? _reader;
    private string? _sinkState;
    private bool _isSinkOpen;
    private int _isDisposed;

    /// <summary>Starts; nothing is awaited of the other side.</summary>
    public EndpointDispatcher(DispatchServices services)
    {
        if (services.Options.Validate() is { } problem)
            throw new ArgumentException(problem, nameof(services));
        _services = services;
        _progress = new EndpointProgress(
            services.Name, services.Partition, services.Options, services.Time, services.Observer);
        _positions = new PositionKeeper(services);
        _pace = new RetryPace(services.Options, services.Random);
        _batch = new DispatchBatch(services.Options.BatchCountMax, services.Options.BatchBytesMax);
        _subscription = services.Partition.Subscribe(_committed);
        _run = Task.Run(RunAsync);
    }

    /// <summary>How the endpoint does now.</summary>
    public EndpointStatus Status => _progress.Look();

    /// <summary>Lets a delivery that is under way end, stores the position, and closes the sink.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        var grace = _services.Time.CreateTimer(
            static aborting => ((CancellationTokenSource)aborting!).Cancel(), _aborting, StopGrace,
            Timeout.InfiniteTimeSpan);
        await _run.ConfigureAwait(false);
        await grace.DisposeAsync().ConfigureAwait(false);
        _subscription.Dispose();
        _reader?.Dispose();
        await _services.Sink.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
        _aborting.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await FollowAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
            }
#pragma warning disable CA1031 // A bug, or storage that failed, costs this endpoint a pause and the others nothing.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                _services.Observer.OnFault(_services.Name, fault);
                _progress.Failed($"A defect in the hub: {fault.Message}");
                await PauseAsync(_pace.Failed()).ConfigureAwait(false);
            }
        }
        await SaveLastAsync().ConfigureAwait(false);
    }

    private async Task FollowAsync()
    {
        if (_reader is null)
            await BeginAsync().ConfigureAwait(false);
        while (!_stopping.IsCancellationRequested)
        {
            // After a fault the batch still holds what was not done with.
            if (Undone().IsEmpty)
                await GatherAsync().ConfigureAwait(false);
            await DeliverAsync().ConfigureAwait(false);
        }
    }

    private async Task BeginAsync()
    {
        var position = await _positions.LoadAsync(_stopping.Token).ConfigureAwait(false);
        if (!_isSinkOpen)
            await TryOpenSinkAsync(position.SinkState).ConfigureAwait(false);
        var reader = DispatchReader.Open(_services.Partition, position.SequenceNumber, _progress.Lost);
        if (!reader.IsOk)
        {
            _services.Observer.OnPositionReset(
                _services.Name, position.SequenceNumber, _services.Partition.State.LastSequenceNumber);
            position = position with { SequenceNumber = -1 };
            reader = DispatchReader.Open(_services.Partition, -1, _progress.Lost);
        }
        _progress.StartedAt(position.SequenceNumber);
        _services.OnDone?.Invoke(position.SequenceNumber);
        _sinkState = position.SinkState;
        _reader = reader.Value;
    }

    private async ValueTask<bool> TryOpenSinkAsync(string? state)
    {
        var result = await CallSinkAsync(() => _services.Sink.OpenAsync(state, _aborting.Token)).ConfigureAwait(false);
        _isSinkOpen = result.Failure == SinkFailure.None;
        if (!_isSinkOpen)
            _progress.Failed(result.Reason ?? "The endpoint cannot be opened.");
        return _isSinkOpen;
    }

    /// <summary>Waits for events, and then a little for more of them.</summary>
    private async Task GatherAsync()
    {
        _batch.Clear();
        var startedAt = 0L;
        while (!_stopping.IsCancellationRequested)
        {
            var committed = _committed.Arm();
            if (!TryFill())
            {
                if (_batch.Count > 0)
                    return;
                await PauseAsync(_pace.Failed()).ConfigureAwait(false);
                continue;
            }
            if (_batch.IsFull)
                return;
            if (_batch.Count > 0)
            {
                if (startedAt == 0)
                    startedAt = _services.Time.GetTimestamp();
                var left = _services.Options.Linger - _services.Time.GetElapsedTime(startedAt);
                if (left <= TimeSpan.Zero)
                    return;
                await WaitAsync(committed, left).ConfigureAwait(false);
                continue;
            }
            _progress.Waiting(0);
            await _positions.SaveWhenDueAsync(_progress.SequenceNumber, _stopping.Token).ConfigureAwait(false);
            await WaitAsync(committed, _positions.DueIn(_progress.SequenceNumber)).ConfigureAwait(false);
        }
    }

    private bool TryFill()
    {
        try
        {
            _reader!.Fill(_batch);
            if (_batch.Count > 0)
                _progress.Waiting(_batch.Events.Span[0].EnqueuedTimeMs);
            return true;
        }
        catch (IOException unreadable)
        {
            _progress.Failed($"The endpoint's stream cannot be read: {unreadable.Message}");
            return false;
        }
    }

    /// <summary>Gives what was gathered to the sink, again and in parts where need be, until all is done.</summary>
    private async Task DeliverAsync()
    {
        var limit = _batch.Count;
        var refusals = 0;
        while (!_stopping.IsCancellationRequested && Undone() is { IsEmpty: false } undone)
        {
            if (_pace.Failures > 0 && await GiveUpOldAsync(undone).ConfigureAwait(false))
                continue;
            var part = undone[..Math.Min(limit, undone.Length)];
            var result = await TryDeliverAsync(part).ConfigureAwait(false);
            if (result.Delivered > 0)
            {
                refusals = 0;
                _pace.Succeeded();
                _progress.Delivered(result.Delivered, part.Span[result.Delivered - 1].SequenceNumber);
                await _positions.SaveWhenDueAsync(_progress.SequenceNumber, CancellationToken.None)
                    .ConfigureAwait(false);
            }
            if (result.Failure == SinkFailure.None)
            {
                limit = Math.Min(limit * 2, _batch.Count);
                continue;
            }
            if (_stopping.IsCancellationRequested)
                return;
            _progress.Failed(result.Reason ?? "The delivery failed.");
            if (result is { Failure: SinkFailure.Refused, RefusedCount: > 1 })
            {
                // One of them is at fault, or all are: halves tell which, and the others must not wait for it.
                limit = result.RefusedCount / 2;
                continue;
            }
            if (result.Failure == SinkFailure.Refused && ++refusals >= _services.Options.RefusalsMax
                && await GiveUpAsync(Undone()[..1], $"Refused {refusals} times: {result.Reason}").ConfigureAwait(false))
            {
                refusals = 0;
                _pace.Succeeded();
                continue;
            }
            await PauseAsync(_pace.Failed(result.RetryAfter)).ConfigureAwait(false);
        }
    }

    private async ValueTask<SinkResult> TryDeliverAsync(ReadOnlyMemory<StoredEvent> part)
    {
        if (!_isSinkOpen && !await TryOpenSinkAsync(_sinkState).ConfigureAwait(false))
            return SinkResult.Retry(_progress.Look().LastError!);
        var batchId = BatchId(part.Span);
        var result = await CallSinkAsync(() => _services.Sink.DeliverAsync(part, batchId, _aborting.Token))
            .ConfigureAwait(false);
        var isPlausible = result.Failure switch
        {
            SinkFailure.None => result.Delivered == part.Length,
            SinkFailure.Refused => result.RefusedCount > 0 && result.Delivered + result.RefusedCount <= part.Length,
            _ => result.Delivered >= 0 && result.Delivered < part.Length,
        };
        return isPlausible
            ? result
            : throw new InvalidOperationException($"A sink that got {part.Length} events says {result}.");
    }

    private async ValueTask<SinkResult> CallSinkAsync(Func<ValueTask<SinkResult>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_aborting.IsCancellationRequested)
        {
            return SinkResult.Retry("The hub stops.");
        }
#pragma warning disable CA1031 // A sink's bug must not lose events: they stay in the stream and are tried again.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            _services.Observer.OnFault(_services.Name, fault);
            return SinkResult.Retry($"A defect in the hub: {fault.Message}");
        }
    }

    /// <summary>Puts aside the first events when they are too old; false when none is, or it failed.</summary>
    private async ValueTask<bool> GiveUpOldAsync(ReadOnlyMemory<StoredEvent> undone)
    {
        var oldest = _services.Time.GetUtcNow() - _services.Options.MaxAge;
        var count = 0;
        while (count < undone.Length && undone.Span[count].EnqueuedTimeMs < oldest.ToUnixTimeMilliseconds())
            count++;
        if (count == 0)
            return false;
        var age = _services.Options.MaxAge.ToString("c", CultureInfo.InvariantCulture);
        return await GiveUpAsync(undone[..count], $"Not delivered within {age}: {_progress.Look().LastError}")
            .ConfigureAwait(false);
    }

    private async ValueTask<bool> GiveUpAsync(ReadOnlyMemory<StoredEvent> events, string reason)
    {
        if (await _services.DeadLetters.AddAsync(events, reason, _aborting.Token).ConfigureAwait(false) is { } refusal)
        {
            _progress.Failed($"A dead letter cannot be stored: {refusal.Message}");
            return false;
        }
        _progress.DeadLettered(events.Length, events.Span[^1].SequenceNumber, reason);
        await _positions.SaveAsync(_progress.SequenceNumber, CancellationToken.None).ConfigureAwait(false);
        return true;
    }

    /// <summary>The events of the batch behind the position.</summary>
    private ReadOnlyMemory<StoredEvent> Undone()
    {
        var events = _batch.Events;
        var done = _progress.SequenceNumber;
        var at = 0;
        while (at < events.Length && events.Span[at].SequenceNumber <= done)
            at++;
        return events[at..];
    }

    private string BatchId(ReadOnlySpan<StoredEvent> part) => string.Create(
        CultureInfo.InvariantCulture,
        $"{_services.PositionKey}-{part[0].SequenceNumber}-{part[^1].SequenceNumber}");

    /// <summary>Rests after a failure; what is done with is stored before.</summary>
    private async Task PauseAsync(TimeSpan pause)
    {
        await SaveLastAsync().ConfigureAwait(false);
        await Task.Delay(pause, _services.Time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task SaveLastAsync()
    {
        try
        {
            if (_reader is not null)
                await _positions.SaveAsync(_progress.SequenceNumber, CancellationToken.None).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Without its position an endpoint repeats events; the hub must stop all the same.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            _services.Observer.OnFault(_services.Name, fault);
        }
    }

    private async Task WaitAsync(Task task, TimeSpan? longest) =>
        await task.WaitAsync(longest ?? Timeout.InfiniteTimeSpan, _services.Time, _stopping.Token)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
