namespace Hubbub.Core.Commands;

/// <summary>Where a batch of feedback stands.</summary>
internal enum FeedbackBatchState : byte
{
    /// <summary>A receiver has it.</summary>
    Locked,

    /// <summary>It was given back and waits.</summary>
    Returned,

    /// <summary>That it was given back is being stored.</summary>
    Returning,

    /// <summary>It is over.</summary>
    Ended,
}

/// <summary>Records that were handed over together, and stay together. Guarded by the queue's lock.</summary>
internal sealed class FeedbackBatch
{
    public FeedbackBatch(List<FeedbackRecord> records)
    {
        Records = records;
        Deadline = new Deadline(this);
        Node = new LinkedListNode<FeedbackBatch>(this);
    }

    /// <summary>Replaced, never changed: a receiver may hold it.</summary>
    public List<FeedbackRecord> Records { get; private set; }

    public FeedbackBatchState State { get; set; }

    /// <summary>While it is locked.</summary>
    public Guid LockToken { get; set; }

    /// <summary>While it is locked.</summary>
    public IFeedbackReceiver? Holder { get; set; }

    /// <summary>When the lock ends; when it has been given back: when it expires.</summary>
    public long DueMs { get; set; }

    public Deadline Deadline { get; }

    /// <summary>Its place among those that were given back.</summary>
    public LinkedListNode<FeedbackBatch> Node { get; }

    public int DeliveryCount => Records.Count == 0 ? 0 : Records[0].DeliveryCount;

    /// <summary>Notes one more delivery in every record.</summary>
    public void Count() => Records = Records.ConvertAll(static r => r with { DeliveryCount = r.DeliveryCount + 1 });

    /// <summary>Takes the records of a device with its modules, or of one module, out of it.</summary>
    public void Remove(CommandTarget target, List<FeedbackRecord> removed)
    {
        if (!Records.Exists(r => IsOf(r, target)))
            return;
        removed.AddRange(Records.Where(r => IsOf(r, target)));
        Records = [.. Records.Where(r => !IsOf(r, target))];
    }

    /// <summary>True for a record about a device or one of its modules, or about that module.</summary>
    public static bool IsOf(FeedbackRecord record, CommandTarget target) =>
        record.Target.DeviceId == target.DeviceId
        && (target.ModuleId is null || record.Target.ModuleId == target.ModuleId);
}
