using System.Collections.Concurrent;

namespace Hubbub.Core.Commands;

/// <summary>
/// Who watches which identity's commands. Nothing is stored, and while nobody watches a change costs one comparison.
/// Safe for concurrent use.
/// </summary>
public sealed class CommandWatches
{
    // Bounded by the links that watch, and per identity by CommandLimits.WatchersMax.
    private readonly ConcurrentDictionary<CommandTarget, ICommandWatcher[]> _watchers = new();
    private readonly Lock _gate = new();
    private volatile int _count;

    internal CommandWatches()
    {
    }

    /// <summary>Tells a watcher of every change from here on.</summary>
    /// <returns>Null, or QuotaExceeded when as many watch this identity as may.</returns>
    public HubError? Add(CommandTarget target, ICommandWatcher watcher)
    {
        lock (_gate)
        {
            var watchers = _watchers.GetValueOrDefault(target, []);
            if (watchers.Length >= CommandLimits.WatchersMax)
            {
                return new HubError(
                    HubErrorCode.QuotaExceeded,
                    $"{CommandLimits.WatchersMax} links watch the commands of {target}, the maximum.");
            }
            _watchers[target] = [.. watchers, watcher];
            _count++;
            return null;
        }
    }

    /// <summary>Tells the watcher nothing more; nothing happens when it does not watch.</summary>
    public void Remove(CommandTarget target, ICommandWatcher watcher)
    {
        lock (_gate)
        {
            if (!_watchers.TryGetValue(target, out var watchers) || !watchers.Contains(watcher))
                return;
            _count--;
            if (watchers.Length == 1)
                _watchers.TryRemove(target, out _);
            else
                _watchers[target] = [.. watchers.Where(other => other != watcher)];
        }
    }

    internal void Tell(Command command, CommandChange change, long nowMs)
    {
        if (_count == 0 || !_watchers.TryGetValue(command.Queue.Target, out var watchers))
            return;
        var happened = new CommandEvent(
            change, command.SequenceNumber, command.MessageId, command.DeliveryCount, nowMs);
        foreach (var watcher in watchers)
            watcher.OnCommandChanged(happened);
    }

    internal static CommandChange ChangeOf(CommandOutcome outcome) => outcome switch
    {
        CommandOutcome.Success => CommandChange.Completed,
        CommandOutcome.Rejected => CommandChange.Rejected,
        CommandOutcome.Expired => CommandChange.Expired,
        CommandOutcome.DeliveryCountExceeded => CommandChange.DeliveryCountExceeded,
        _ => CommandChange.Purged,
    };
}
