using Hubbub.Amqp.Transport;
using Hubbub.Client.Events;

namespace Hubbub.Client;

/// <summary>
/// Open links to one or more partitions: the events of each in order, of all in fair turns. To be enumerated once; it
/// ends when it is disposed of or cancelled, and throws a <see cref="HubbubException"/> when a link ends for a reason
/// that does not pass.
/// </summary>
public sealed class EventSubscription : IAsyncEnumerable<ReceivedEvent>, IAsyncDisposable
{
    private readonly AsyncSignal _signal;
    private readonly PartitionFeed[] _feeds;
    private int _isEnumerated;
    private volatile bool _isDisposed;

    internal EventSubscription(AsyncSignal signal, PartitionFeed[] feeds) => (_signal, _feeds) = (signal, feeds);

    /// <summary>The partitions that it reads.</summary>
    public IEnumerable<string> PartitionIds => _feeds.Select(static feed => feed.PartitionId);

    /// <summary>The events as they come.</summary>
    /// <exception cref="InvalidOperationException">It is enumerated a second time.</exception>
    public async IAsyncEnumerator<ReceivedEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _isEnumerated, 1) != 0)
            throw new InvalidOperationException("A subscription is enumerated once; make another one.");
        using var wake = cancellationToken.UnsafeRegister(static signal => ((AsyncSignal)signal!).Signal(), _signal);
        while (!_isDisposed)
        {
            var isIdle = true;
            // A chunk of each in turn: a busy partition does not starve the others.
            foreach (var feed in _feeds)
            {
                if (!feed.TryTake(out var chunk))
                    continue;
                isIdle = false;
                while (chunk.TryRead(out var message))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    yield return new ReceivedEvent(feed.PartitionId, message);
                }
                feed.Release(chunk);
            }
            cancellationToken.ThrowIfCancellationRequested();
            if (isIdle && !_isDisposed)
                await _signal.WaitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Detaches the links; an enumeration under way ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _signal.Signal();
        await Task.WhenAll(_feeds.Select(static feed => feed.StopAsync())).ConfigureAwait(false);
    }
}
