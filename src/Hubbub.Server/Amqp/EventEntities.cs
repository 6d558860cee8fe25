using System.Collections.Frozen;

namespace Hubbub.Server.Amqp;

/// <summary>Every entity that events can be read from, by its name, ignoring case. Safe for concurrent use.</summary>
public sealed class EventEntities(EventEntity builtIn)
{
    private volatile FrozenDictionary<string, EventEntity> _all = Index([builtIn]);

    /// <summary>The entity of the built-in events.</summary>
    public EventEntity BuiltIn => builtIn;

    /// <summary>The entity of a name; null when there is none.</summary>
    public EventEntity? Find(string? name) => name is null ? null : _all.GetValueOrDefault(name);

    /// <summary>From now on these are all, besides the built-in one.</summary>
    internal void Set(IEnumerable<EventEntity> custom) => _all = Index([builtIn, .. custom]);

    private static FrozenDictionary<string, EventEntity> Index(EventEntity[] all) =>
        all.ToFrozenDictionary(static e => e.Name, StringComparer.OrdinalIgnoreCase);
}
