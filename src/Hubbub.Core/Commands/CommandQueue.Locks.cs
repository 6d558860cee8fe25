namespace Hubbub.Core.Commands;

// Locking what waits.
internal sealed partial class CommandQueue
{
    /// <summary>Locks the next command for whoever gets its token; null when none waits.</summary>
    /// <param name="nowMs">The time.</param>
    /// <param name="lockMs">How long, ms; null for the usual time.</param>
    /// <param name="decided">Gets those that were met and have expired.</param>
    public Command? Pull(long nowMs, long? lockMs, List<Decision> decided)
    {
        lock (_gate)
        {
            var untilMs = nowMs + (lockMs ?? (long)options.LockDuration.TotalMilliseconds);
            return LockNext(nowMs, untilMs, isPulled: true, decided);
        }
    }

    private Command? LockNext(long nowMs, long untilMs, bool isPulled, List<Decision> decided)
    {
        while (_ready.Head is { } command)
        {
            _ready.Remove(command);
            if (command.ExpiresMs <= nowMs)
            {
                decided.Add(Decide(command, CommandOutcome.Expired));
                continue;
            }
            command.State = CommandState.Locked;
            command.LockToken = Guid.NewGuid();
            command.LockedUntilMs = untilMs;
            command.IsPulled = isPulled;
            (_locked ??= []).Add(command.LockToken, command);
            deadlines.Set(command.Deadline, command.LockedUntilMs);
            watches.Tell(command, CommandChange.Delivered, nowMs);
            return command;
        }
        return null;
    }
}
