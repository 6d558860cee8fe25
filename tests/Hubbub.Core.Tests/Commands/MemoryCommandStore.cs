using Hubbub.Core.Commands;

namespace Hubbub.Core.Tests.Commands;

/// <summary>
/// A store in memory that checks what the tables would: a command ends once, a record is removed once. It can be made
/// to wait or to be full.
/// </summary>
internal sealed class MemoryCommandStore : ICommandStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, (StoredCommand Command, byte[] Payload)> _commands = [];
    private readonly SortedDictionary<long, FeedbackRecord> _feedback = [];
    private long _lastCommand;
    private long _lastFeedback;

    public bool IsFull { get; set; }

    /// <summary>When set, payloads cannot be read, and this is why.</summary>
    public string? ReadFailure { get; set; }

    /// <summary>When set, a write completes no earlier than this.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public int PayloadReads { get; private set; }

    public List<(long SequenceNumber, FeedbackRecord? Feedback)> Ends { get; } = [];

    public StoredCommand[] Commands
    {
        get
        {
            lock (_gate)
                return [.. _commands.Values.Select(static c => c.Command)];
        }
    }

    public FeedbackRecord[] Feedback
    {
        get
        {
            lock (_gate)
                return [.. _feedback.Values];
        }
    }

    public ValueTask<CommandSnapshot> LoadAsync(CancellationToken cancellationToken) =>
        new(new CommandSnapshot(Commands, Feedback, _lastCommand, _lastFeedback));

    public async ValueTask<HubError?> WriteAsync(IReadOnlyList<CommandWrite> writes, CancellationToken cancellationToken)
    {
        await Gate;
        if (IsFull)
            return new HubError(HubErrorCode.StorageFull, "The change was not stored: the disk is full.");
        lock (_gate)
        {
            foreach (var write in writes)
                Write(write);
        }
        return null;
    }

    public ValueTask<IReadOnlyList<byte[]?>> ReadPayloadsAsync(
        IReadOnlyList<long> sequenceNumbers, CancellationToken cancellationToken)
    {
        PayloadReads++;
        if (ReadFailure is { } why)
            return ValueTask.FromException<IReadOnlyList<byte[]?>>(new IOException(why));
        lock (_gate)
            return new([.. sequenceNumbers.Select(n => _commands.TryGetValue(n, out var c) ? c.Payload : null)]);
    }

    private void Write(CommandWrite write)
    {
        switch (write)
        {
            case CommandWrite.Add add:
                _commands.Add(add.Command.SequenceNumber, (add.Command, add.Payload));
                _lastCommand = Math.Max(_lastCommand, add.Command.SequenceNumber);
                break;
            case CommandWrite.SetDeliveryCount set:
                var (command, payload) = _commands[set.SequenceNumber];
                _commands[set.SequenceNumber] = (command with { DeliveryCount = set.DeliveryCount }, payload);
                break;
            case CommandWrite.End end:
                Assert.True(_commands.Remove(end.SequenceNumber), $"command {end.SequenceNumber} ended twice");
                Ends.Add((end.SequenceNumber, end.Feedback));
                if (end.Feedback is { } record)
                {
                    _feedback.Add(record.SequenceNumber, record);
                    _lastFeedback = record.SequenceNumber;
                }
                break;
            case CommandWrite.SetFeedbackDeliveryCount set:
                _feedback[set.SequenceNumber] = _feedback[set.SequenceNumber] with { DeliveryCount = set.DeliveryCount };
                break;
            case CommandWrite.RemoveFeedback remove:
                Assert.True(_feedback.Remove(remove.SequenceNumber), $"record {remove.SequenceNumber} was removed twice");
                break;
            default:
                Assert.Fail(write.ToString());
                break;
        }
    }
}
