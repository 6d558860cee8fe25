namespace Hubbub.Core.Commands;

// The ends of a queue: purged, retired because nothing is in it, or closed with all that is in it.
internal sealed partial class CommandQueue
{
    /// <summary>Ends every command that waits or is locked.</summary>
    public void Purge(List<Decision> decided)
    {
        lock (_gate)
        {
            foreach (var command in TakeLocked())
                decided.Add(Decide(command, CommandOutcome.Purged));
            while (_ready.Head is { } command)
            {
                _ready.Remove(command);
                decided.Add(Decide(command, CommandOutcome.Purged));
            }
        }
        decided.Sort(static (a, b) => a.Command.SequenceNumber.CompareTo(b.Command.SequenceNumber));
    }

    /// <summary>Closes the queue if nothing is in it and nobody receives.</summary>
    public bool TryRetire()
    {
        lock (_gate)
            return _isClosed |= _count == 0 && _receiver is null;
    }

    /// <summary>Closes the queue with all that is in it.</summary>
    /// <param name="dropped">Gets the commands that are to be removed from the store.</param>
    /// <returns>The receiver to be told.</returns>
    public ICommandReceiver? Close(List<Command> dropped)
    {
        lock (_gate)
        {
            _isClosed = true;
            foreach (var command in TakeLocked())
                Drop(command, dropped);
            while (_ready.Head is { } command)
            {
                _ready.Remove(command);
                Drop(command, dropped);
            }
            // A command that was stored, but stands behind one that is not yet.
            while (_storing.TryDequeue(out var command))
            {
                if (command.State == CommandState.Ready)
                    dropped.Add(command);
            }
            _count = 0;
            return _receiver;
        }
    }

    private void Drop(Command command, List<Command> dropped)
    {
        deadlines.Clear(command.Deadline);
        dropped.Add(command);
    }

    private Command[] TakeLocked()
    {
        if (_locked is null || _locked.Count == 0)
            return [];
        Command[] commands = [.. _locked.Values];
        _locked.Clear();
        return commands;
    }

    /// <summary>Takes back what the receiver holds.</summary>
    private void Unlock()
    {
        Command[] commands = _locked is null ? [] : [.. _locked.Values.Where(static c => !c.IsPulled)];
        foreach (var command in commands)
            _locked!.Remove(command.LockToken);
        // From the back, so that each finds its place at the head of the list.
        Array.Sort(commands, static (a, b) => b.SequenceNumber.CompareTo(a.SequenceNumber));
        foreach (var command in commands)
            PutBack(command);
    }
}
