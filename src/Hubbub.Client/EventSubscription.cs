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
    private int _isEnumerated;
    private volatile bool _isDisposed;

    internal EventSubscription(AsyncSignal signal, PartitionFeed[] feeds) => (Signal, Feeds) = (signal, feeds);

    /// <summary>Set when there may be something to read, or nothing more will come.</summary>
    internal AsyncSignal Signal { get; }

    /// <summary>What has come from each partition.</summary>
    internal PartitionFeed[] Feeds { get; }

    internal bool IsDisposed => _isDisposed;

    /// <summary>The partitions that it reads.</summary>
    public IEnumerable<string> PartitionIds => Feeds.Select(static feed => feed.PartitionId);

    /// <summary>The events as they come.</summary>
    /// <exception cref="InvalidOperationException">It is enumerated a second time.</exception>
    public IAsyncEnumerator<ReceivedEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _isEnumerated, 1) != 0)
            throw new InvalidOperationException("A subscription is enumerated once; make another one.");
        return new EventEnumerator(this, cancellationToken);
    }

    /// <summary>Detaches the links; an enumeration under way ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Signal.Signal();
        await Task.WhenAll(Feeds.Select(static feed => feed.StopAsync())).ConfigureAwait(false);
    }
}
