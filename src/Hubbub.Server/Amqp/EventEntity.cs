using Hubbub.Core.Events;
using Hubbub.Core.Identities;

namespace Hubbub.Server.Amqp;

/// <summary>One Event Hubs-compatible entity: a stream of events under a name, with its consumer groups.</summary>
public sealed class EventEntity
{
    public EventEntity(string name, IEventLog log, ConsumerGroups groups)
    {
        Name = name;
        Log = log;
        Groups = groups;
        Readers = new EventReaders();
    }

    public string Name { get; }

    public IEventLog Log { get; }

    public ConsumerGroups Groups { get; }

    /// <summary>True when the stream is gone, or about to be.</summary>
    public bool IsRemoved { get; private set; }

    internal EventReaders Readers { get; }

    /// <summary>Ends every reader; from now on none is let in.</summary>
    internal void Remove(string reason)
    {
        IsRemoved = true;
        Readers.RemoveAll(reason);
    }

    /// <summary>The partition with an id as clients write it; null when there is none.</summary>
    public IEventPartition? FindPartition(ReadOnlySpan<char> id) =>
        int.TryParse(id, System.Globalization.NumberStyles.None, null, out var index)
        && index < Log.Partitions.Count
        && (id.Length == 1 || id[0] != '0')
            ? Log.Partitions[index]
            : null;
}
