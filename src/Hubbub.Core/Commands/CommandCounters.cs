namespace Hubbub.Core.Commands;

/// <summary>
/// What has happened to commands since the hub started; plain numbers, to be looked at from any thread.
/// </summary>
public sealed class CommandCounters
{
    private readonly long[] _ended = new long[Enum.GetValues<CommandOutcome>().Length + 1];
    private long _enqueued;
    private long _delivered;
    private long _pending;
    private long _feedbackDropped;
    private long _watchedDropped;

    /// <summary>Commands accepted from services.</summary>
    public long Enqueued => Volatile.Read(ref _enqueued);

    /// <summary>Commands given to devices; a command that is given twice counts twice.</summary>
    public long Delivered => Volatile.Read(ref _delivered);

    /// <summary>Commands that have not ended.</summary>
    public long Pending => Volatile.Read(ref _pending);

    /// <summary>
    /// Feedback records dropped because nobody took them: too old, too often given back, or too many.
    /// </summary>
    public long FeedbackDropped => Volatile.Read(ref _feedbackDropped);

    /// <summary>Changes that watchers were not told because they did not take them.</summary>
    public long WatchedDropped => Volatile.Read(ref _watchedDropped);

    /// <summary>Commands that ended in this way.</summary>
    public long Ended(CommandOutcome outcome) => Volatile.Read(ref _ended[(int)outcome]);

    /// <summary>A watcher has dropped a change that nobody took.</summary>
    public void OnWatchedDropped() => Interlocked.Increment(ref _watchedDropped);

    internal void Add(int pending) => Interlocked.Add(ref _pending, pending);

    internal void OnEnqueued() => Interlocked.Increment(ref _enqueued);

    internal void OnDelivered(int count) => Interlocked.Add(ref _delivered, count);

    internal void OnEnded(CommandOutcome outcome) => Interlocked.Increment(ref _ended[(int)outcome]);

    internal void OnFeedbackDropped(int count) => Interlocked.Add(ref _feedbackDropped, count);
}
