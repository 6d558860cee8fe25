using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Amqp;

/// <summary>A reader as the others see it: who it is, which epoch it has, and how it is told to go.</summary>
internal interface IEventReader
{
    /// <summary>The client's own name for it, or null.</summary>
    string? ReaderName { get; }

    /// <summary>Its epoch (owner level); null when it shares the partition.</summary>
    long? Epoch { get; }

    /// <summary>
    /// Ends the reader with a reason; called from any thread, takes effect on the reader's own connection.
    /// </summary>
    void Displace(string condition, string reason);
}

/// <summary>
/// Who reads which partition in which consumer group, and the rules between them: at most five that share, or one
/// with the highest epoch alone.
/// </summary>
internal sealed class EventReaders
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Group, int Partition), List<IEventReader>> _readers = [];

    /// <summary>Lets a reader in, and ends those that it displaces.</summary>
    /// <param name="group">The consumer group's name as stored.</param>
    /// <param name="partition">The partition id.</param>
    /// <param name="reader">The newcomer.</param>
    /// <returns>Null, or the condition and reason of its refusal.</returns>
    public (string Condition, string Reason)? Add(string group, int partition, IEventReader reader)
    {
        lock (_gate)
        {
            if (!_readers.TryGetValue((group, partition), out var present))
                _readers[(group, partition)] = present = [];
            var holder = present.Find(static r => r.Epoch is not null);
            if (reader.Epoch is null)
            {
                if (holder is not null)
                {
                    return (ErrorCondition.LinkStolen,
                        $"Partition {partition} of consumer group '{group}' has a reader with epoch {holder.Epoch} "
                        + $"({Name(holder)}); a reader without epoch is not allowed beside it.");
                }
                if (present.Count >= HubAmqpLimits.ReadersPerPartitionMax)
                {
                    return (ErrorCondition.ResourceLimitExceeded,
                        $"Partition {partition} of consumer group '{group}' has {present.Count} readers, the maximum: "
                        + $"{string.Join(", ", present.ConvertAll(Name))}. Close one, "
                        + "or read in another consumer group.");
                }
            }
            else
            {
                if (holder is not null && holder.Epoch > reader.Epoch)
                {
                    return (ErrorCondition.LinkStolen,
                        $"Partition {partition} of consumer group '{group}' has a reader with the higher epoch "
                        + $"{holder.Epoch} ({Name(holder)}); one with epoch {reader.Epoch} cannot be created.");
                }
                foreach (var displaced in present)
                {
                    displaced.Displace(
                        ErrorCondition.LinkStolen,
                        $"Reader {Name(reader)} with epoch {reader.Epoch} took over partition {partition} of consumer "
                        + $"group '{group}' from {Name(displaced)} with epoch "
                        + $"{displaced.Epoch?.ToString() ?? "none"}.");
                }
                present.Clear();
            }
            present.Add(reader);
            return null;
        }
    }

    /// <summary>Forgets a reader that has ended.</summary>
    public void Remove(string group, int partition, IEventReader reader)
    {
        lock (_gate)
        {
            if (_readers.TryGetValue((group, partition), out var present) && present.Remove(reader)
                && present.Count == 0)
                _readers.Remove((group, partition));
        }
    }

    /// <summary>Ends every reader of a consumer group that has been deleted.</summary>
    public void RemoveGroup(string group, string reason)
    {
        lock (_gate)
        {
            foreach (var (key, present) in _readers)
            {
                if (!string.Equals(key.Group, group, StringComparison.OrdinalIgnoreCase))
                    continue;
                foreach (var reader in present)
                    reader.Displace(ErrorCondition.NotFound, reason);
            }
        }
    }

    /// <summary>Ends every reader of an entity that is removed.</summary>
    public void RemoveAll(string reason)
    {
        lock (_gate)
        {
            foreach (var present in _readers.Values)
            {
                foreach (var reader in present)
                    reader.Displace(ErrorCondition.NotFound, reason);
            }
        }
    }

    private static string Name(IEventReader reader) => reader.ReaderName is { } name ? $"'{name}'" : "nil";
}
