namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Stores an endpoint's position: at most once an interval, and before every rest.</summary>
internal sealed class PositionKeeper(DispatchServices services)
{
    private EndpointPosition _saved = new(-1, null);
    private long _savedAt;

    /// <summary>The position to begin with; nothing delivered when there is none.</summary>
    public async ValueTask<EndpointPosition> LoadAsync(CancellationToken cancellationToken)
    {
        var stored = await services.Positions.LoadPositionAsync(services.PositionKey, cancellationToken)
            .ConfigureAwait(false);
        _saved = stored ?? new EndpointPosition(-1, null);
        return _saved;
    }

    /// <summary>How long until the next save is due; null when there is nothing to save.</summary>
    public TimeSpan? DueIn(long sequenceNumber)
    {
        if (_saved == Current(sequenceNumber))
            return null;
        var left = services.Options.SaveInterval - services.Time.GetElapsedTime(_savedAt);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>Saves when a save is due.</summary>
    public ValueTask SaveWhenDueAsync(long sequenceNumber, CancellationToken cancellationToken) =>
        DueIn(sequenceNumber) == TimeSpan.Zero ? SaveAsync(sequenceNumber, cancellationToken) : ValueTask.CompletedTask;

    /// <summary>Saves now, unless what is stored is the same.</summary>
    public async ValueTask SaveAsync(long sequenceNumber, CancellationToken cancellationToken)
    {
        var current = Current(sequenceNumber);
        if (current == _saved)
            return;
        _savedAt = services.Time.GetTimestamp();
        // A full disk costs repetition after a crash, no event; the next save tries again.
        var refusal = await services.Positions.SavePositionAsync(services.PositionKey, current, cancellationToken)
            .ConfigureAwait(false);
        if (refusal is not null)
            return;
        _saved = current;
        services.OnDone?.Invoke(sequenceNumber);
    }

    private EndpointPosition Current(long sequenceNumber) => new(sequenceNumber, services.Sink.State);
}
