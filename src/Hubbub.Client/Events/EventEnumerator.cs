using System.Runtime.CompilerServices;

namespace Hubbub.Client.Events;

/// <summary>
/// Walks over the events of a subscription, its own or a lent one: chunk by chunk, a chunk of each partition in turn,
/// so that a busy one does not starve the others. Written by hand, for an event that is there costs no state machine.
/// </summary>
internal sealed class EventEnumerator : IAsyncEnumerator<ReceivedEvent>
{
    private readonly Func<CancellationToken, Task<EventSubscription>>? _subscribe;
    private readonly CancellationToken _cancellationToken;
    private EventSubscription? _subscription;
    private CancellationTokenRegistration _wake;
    private CancellationTokenSource? _either;
    private EventChunk? _chunk;
    private PartitionFeed? _feed;
    private int _turn;
    private bool _isOver;

    /// <summary>Over a subscription that somebody else disposes of.</summary>
    public EventEnumerator(EventSubscription subscription, CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;
        Take(subscription);
    }

    /// <summary>Over one that is made by the first move, and disposed of with this.</summary>
    /// <param name="subscribe">Makes it.</param>
    /// <param name="first">Ends the enumeration.</param>
    /// <param name="second">Does so too.</param>
    public EventEnumerator(
        Func<CancellationToken, Task<EventSubscription>> subscribe, CancellationToken first, CancellationToken second)
    {
        _subscribe = subscribe;
        if (first.CanBeCanceled && second.CanBeCanceled && first != second)
            _either = CancellationTokenSource.CreateLinkedTokenSource(first, second);
        _cancellationToken = _either?.Token ?? (first.CanBeCanceled ? first : second);
    }

    public ReceivedEvent Current { get; private set; } = null!;

    public ValueTask<bool> MoveNextAsync()
    {
        if (_chunk is not { } chunk || _cancellationToken.IsCancellationRequested
            || !chunk.TryRead(out var message))
            return MoveToNextChunkAsync();
        Current = new ReceivedEvent(_feed!.PartitionId, message);
        return new ValueTask<bool>(true);
    }

    public async ValueTask DisposeAsync()
    {
        _isOver = true;
        _chunk = null;
        await _wake.DisposeAsync().ConfigureAwait(false);
        if (_subscribe is not null && _subscription is { } own)
            await own.DisposeAsync().ConfigureAwait(false);
        _either?.Dispose();
        _either = null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> MoveToNextChunkAsync()
    {
        if (_isOver)
            return false;
        try
        {
            _cancellationToken.ThrowIfCancellationRequested();
            if (_subscription is null)
                Take(await _subscribe!(_cancellationToken).ConfigureAwait(false));
            if (_chunk is { } read)
                _feed!.Release(read);
            _chunk = null;
            var subscription = _subscription!;
            while (!subscription.IsDisposed)
            {
                if (TryTake(subscription.Feeds))
                    return true;
                _cancellationToken.ThrowIfCancellationRequested();
                if (!subscription.IsDisposed)
                    await subscription.Signal.WaitAsync().ConfigureAwait(false);
                _cancellationToken.ThrowIfCancellationRequested();
            }
            _isOver = true;
            return false;
        }
        catch
        {
            _isOver = true;
            throw;
        }
    }

    /// <summary>Takes the first event of the next partition that has one.</summary>
    private bool TryTake(PartitionFeed[] feeds)
    {
        for (var i = 0; i < feeds.Length; i++)
        {
            _turn = _turn + 1 < feeds.Length ? _turn + 1 : 0;
            var feed = feeds[_turn];
            if (!feed.TryTake(out var chunk) || !chunk.TryRead(out var message))
                continue;
            (_feed, _chunk) = (feed, chunk);
            Current = new ReceivedEvent(feed.PartitionId, message);
            return true;
        }
        return false;
    }

    private void Take(EventSubscription subscription)
    {
        _subscription = subscription;
        _wake = _cancellationToken.UnsafeRegister(
            static state => ((EventSubscription)state!).Signal.Signal(), subscription);
    }
}
