namespace Hubbub.Core.Commands;

/// <summary>
/// The pending commands of one device or module of one generation: first in, first out, what was given back in its old
/// place. Decides and stores nothing; <see cref="CommandQueues"/> stores what is decided here and comes back with the
/// result. Safe for concurrent use; calls nobody but the deadlines while it holds its lock.
/// </summary>
internal sealed partial class CommandQueue(
    CommandTarget target, string generationId, CommandOptions options, Deadlines deadlines, CommandWatches watches)
{
    private readonly Lock _gate = new();
    private readonly Queue<Command> _storing = new(0);
    private Dictionary<Guid, Command>? _locked;
    private ReadyList _ready;
    private ICommandReceiver? _receiver;
    private int _count;
    private bool _isClosed;

    public CommandTarget Target { get; } = target;

    public string GenerationId { get; } = generationId;

    /// <summary>True when the queue is over: its identity was deleted, or nothing was left in it.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
                return _isClosed;
        }
    }

    /// <summary>Commands that have no outcome yet.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _count;
        }
    }

    /// <summary>Takes a place for a new command, in the order of the calls.</summary>
    /// <returns>Null when the queue is full, or over.</returns>
    public Command? TryAdd(NewCommand wanted, long nowMs, long expiresMs, Func<long> nextSequenceNumber)
    {
        lock (_gate)
        {
            if (_isClosed || _count >= options.QueueDepthMax)
                return null;
            var command = new Command(this)
            {
                SequenceNumber = nextSequenceNumber(),
                MessageId = wanted.MessageId,
                EnqueuedMs = nowMs,
                ExpiresMs = expiresMs,
                Ack = wanted.Ack,
            };
            _count++;
            _storing.Enqueue(command);
            return command;
        }
    }

    /// <summary>A command that was stored before the hub started.</summary>
    public void Restore(StoredCommand stored)
    {
        lock (_gate)
        {
            var command = new Command(this)
            {
                SequenceNumber = stored.SequenceNumber,
                MessageId = stored.MessageId,
                EnqueuedMs = stored.EnqueuedAt.ToUnixTimeMilliseconds(),
                ExpiresMs = stored.ExpiresAt.ToUnixTimeMilliseconds(),
                Ack = stored.Ack,
                DeliveryCount = stored.DeliveryCount,
                State = CommandState.Ready,
            };
            _count++;
            _ready.Append(command);
            deadlines.Set(command.Deadline, command.ExpiresMs);
        }
    }

    /// <summary>
    /// A new command is stored, or was refused. Commands become visible in their order, whichever is stored first.
    /// </summary>
    /// <param name="command">The command.</param>
    /// <param name="isStored">False: it is dropped.</param>
    /// <param name="wake">Whom to tell that there are commands.</param>
    /// <returns>False when the queue was closed meanwhile, and the command with it.</returns>
    public bool OnStored(Command command, bool isStored, out ICommandReceiver? wake)
    {
        wake = null;
        lock (_gate)
        {
            command.State = isStored ? CommandState.Ready : CommandState.Deciding;
            if (_isClosed)
                return false;
            while (_storing.TryPeek(out var first) && first.State != CommandState.Storing)
            {
                _storing.Dequeue();
                if (first.State == CommandState.Deciding)
                {
                    _count--;
                    continue;
                }
                _ready.Append(first);
                deadlines.Set(first.Deadline, first.ExpiresMs);
                watches.Tell(first, CommandChange.Enqueued, deadlines.NowMs);
                wake = _receiver;
            }
            return true;
        }
    }

    /// <summary>Makes this receiver the one, and takes back what the former one holds.</summary>
    /// <returns>False when the queue is over.</returns>
    public bool TryAttach(ICommandReceiver receiver, out ICommandReceiver? displaced)
    {
        lock (_gate)
        {
            displaced = _receiver == receiver ? null : _receiver;
            if (_isClosed)
                return false;
            if (displaced is not null)
                Unlock();
            _receiver = receiver;
            return true;
        }
    }

    /// <summary>The receiver is gone; what it holds goes back.</summary>
    public void Detach(ICommandReceiver receiver)
    {
        lock (_gate)
        {
            if (_receiver != receiver)
                return;
            _receiver = null;
            Unlock();
        }
    }

    /// <summary>Locks the next commands for the receiver, if it is the one.</summary>
    /// <param name="receiver">Who asks.</param>
    /// <param name="countMax">How many at most.</param>
    /// <param name="nowMs">The time.</param>
    /// <param name="taken">Gets the commands.</param>
    /// <param name="decided">Gets those that were met and have expired.</param>
    public void Take(ICommandReceiver receiver, int countMax, long nowMs, List<Command> taken, List<Decision> decided)
    {
        lock (_gate)
        {
            if (_receiver != receiver)
                return;
            var untilMs = nowMs + (long)options.LockDuration.TotalMilliseconds;
            while (taken.Count < countMax && LockNext(nowMs, untilMs, isPulled: false, decided) is { } command)
                taken.Add(command);
        }
    }

    /// <summary>Ends a lock.</summary>
    /// <param name="lockToken">Which.</param>
    /// <param name="disposition">What the receiver says.</param>
    /// <param name="decision">What is to be stored; null when that is nothing.</param>
    /// <param name="wake">Whom to tell that there are commands.</param>
    /// <returns>False when there is no such lock.</returns>
    public bool TrySettle(
        Guid lockToken, CommandDisposition disposition, out Decision? decision, out ICommandReceiver? wake)
    {
        lock (_gate)
        {
            decision = null;
            wake = null;
            if (_locked is null || !_locked.Remove(lockToken, out var command))
                return false;
            decision = Settle(command, disposition, ref wake);
            return true;
        }
    }

    /// <summary>Settles the oldest command with this id that waits or is locked.</summary>
    public bool TrySettle(
        string messageId, CommandDisposition disposition, out Decision? decision, out ICommandReceiver? wake)
    {
        lock (_gate)
        {
            decision = null;
            wake = null;
            if (Find(messageId) is not { } command)
                return false;
            if (command.State == CommandState.Locked)
                _locked!.Remove(command.LockToken);
            else
                _ready.Remove(command);
            decision = Settle(command, disposition, ref wake);
            return true;
        }
    }

    /// <summary>The deadline of a command has come.</summary>
    /// <returns>What is to be stored; null when that is nothing.</returns>
    public Decision? OnDue(Command command, long nowMs, out ICommandReceiver? wake)
    {
        lock (_gate)
        {
            wake = null;
            if (_isClosed)
                return null;
            switch (command.State)
            {
                case CommandState.Ready when command.ExpiresMs <= nowMs:
                    _ready.Remove(command);
                    return Decide(command, CommandOutcome.Expired);
                case CommandState.Locked when command.LockedUntilMs <= nowMs:
                    _locked!.Remove(command.LockToken);
                    // Whatever follows, the receiver has a delivery less to wait for.
                    wake = _receiver;
                    return Settle(
                        command,
                        options.CountsLockExpiry ? CommandDisposition.Abandon : CommandDisposition.Release,
                        ref wake);
                case CommandState.Deciding:
                    // What was decided could not be stored, so it did not happen.
                    PutBack(command);
                    wake = _receiver;
                    return null;
                default:
                    // Set anew while the timer was on its way.
                    deadlines.Set(
                        command.Deadline,
                        command.State == CommandState.Locked ? command.LockedUntilMs : command.ExpiresMs);
                    return null;
            }
        }
    }

    /// <summary>What was decided is stored.</summary>
    /// <returns>False when the queue was closed meanwhile: what is left of the command is to be removed.</returns>
    public bool OnDecided(in Decision decision, out ICommandReceiver? wake)
    {
        lock (_gate)
        {
            wake = null;
            if (_isClosed)
                return false;
            if (decision.Outcome is { } outcome)
            {
                _count--;
                if (outcome == CommandOutcome.DeliveryCountExceeded)
                    decision.Command.DeliveryCount = decision.DeliveryCount;
                watches.Tell(decision.Command, CommandWatches.ChangeOf(outcome), deadlines.NowMs);
                return true;
            }
            decision.Command.DeliveryCount = decision.DeliveryCount;
            PutBack(decision.Command);
            wake = _receiver;
            return true;
        }
    }

    /// <summary>What was decided could not be stored; after a while the command goes back.</summary>
    /// <returns>False when the queue was closed meanwhile.</returns>
    public bool OnDecisionFailed(Command command, long nowMs)
    {
        lock (_gate)
        {
            if (!_isClosed)
                deadlines.Set(command.Deadline, nowMs + CommandLimits.RetryMs);
            return !_isClosed;
        }
    }

    /// <summary>The payload of a command was read, or need not be kept.</summary>
    public static void SetPayload(Command command, byte[]? payload)
    {
        lock (command.Queue._gate)
            command.Payload = payload;
    }

    private Command? Find(string messageId)
    {
        Command? found = null;
        if (_locked is not null)
        {
            foreach (var command in _locked.Values)
            {
                if (command.MessageId == messageId && (found is null || command.SequenceNumber < found.SequenceNumber))
                    found = command;
            }
        }
        for (var command = _ready.Head; command is not null; command = command.Next)
        {
            if (command.MessageId == messageId)
                return found is null || command.SequenceNumber < found.SequenceNumber ? command : found;
        }
        return found;
    }

    private Decision? Settle(Command command, CommandDisposition disposition, ref ICommandReceiver? wake)
    {
        switch (disposition)
        {
            case CommandDisposition.Complete:
                return Decide(command, CommandOutcome.Success);
            case CommandDisposition.Reject:
                return Decide(command, CommandOutcome.Rejected);
            case CommandDisposition.Abandon when command.DeliveryCount + 1 >= options.DeliveryCountMax:
                return Decide(command, CommandOutcome.DeliveryCountExceeded);
            case CommandDisposition.Abandon:
                return Decide(command, null);
            default:
                PutBack(command);
                wake = _receiver;
                return null;
        }
    }

    private Decision Decide(Command command, CommandOutcome? outcome)
    {
        deadlines.Clear(command.Deadline);
        command.State = CommandState.Deciding;
        return new Decision(command, outcome, command.DeliveryCount + 1);
    }

    private void PutBack(Command command)
    {
        command.State = CommandState.Ready;
        _ready.Insert(command);
        deadlines.Set(command.Deadline, command.ExpiresMs);
        watches.Tell(command, CommandChange.Returned, deadlines.NowMs);
    }
}
