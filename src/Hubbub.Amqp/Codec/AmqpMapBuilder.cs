namespace Hubbub.Amqp.Codec;

/// <summary>The type that the keys of a map have.</summary>
public enum MapKeyKind
{
    /// <summary>Symbols: annotations, filters, and the properties of open, begin and attach.</summary>
    Symbol,

    /// <summary>Strings: application properties and the bodies of management messages.</summary>
    String,
}

/// <summary>
/// Builds small maps where speed does not count. Keys are written as given: adding one twice makes a map that no
/// reader takes.
/// </summary>
/// <param name="keys">The type that all keys get.</param>
public sealed class AmqpMapBuilder(MapKeyKind keys = MapKeyKind.Symbol)
{
    private readonly List<(Symbol Key, AmqpValue Value)> _entries = [];

    /// <summary>Adds an entry.</summary>
    public AmqpMapBuilder Add(Symbol key, AmqpValue value)
    {
        _entries.Add((key, value));
        return this;
    }

    /// <summary>Adds a string, or a null.</summary>
    public AmqpMapBuilder Add(Symbol key, string? value) => Add(key, AmqpValue.From(value));

    /// <summary>Adds a symbol.</summary>
    public AmqpMapBuilder Add(Symbol key, Symbol value) => Add(key, AmqpValue.From(value));

    /// <summary>Adds a boolean.</summary>
    public AmqpMapBuilder Add(Symbol key, bool value) => Add(key, AmqpValue.From(value));

    /// <summary>Adds an int.</summary>
    public AmqpMapBuilder Add(Symbol key, int value) => Add(key, AmqpValue.From(value));

    /// <summary>Adds a uint.</summary>
    public AmqpMapBuilder Add(Symbol key, uint value) => Add(key, AmqpValue.From(value));

    /// <summary>Adds a long.</summary>
    public AmqpMapBuilder Add(Symbol key, long value) => Add(key, AmqpValue.From(value));

    /// <summary>Adds a ulong.</summary>
    public AmqpMapBuilder Add(Symbol key, ulong value) => Add(key, AmqpValue.From(value));

    /// <summary>Adds a uuid.</summary>
    public AmqpMapBuilder Add(Symbol key, Guid value) => Add(key, AmqpValue.From(value));

    /// <summary>Adds a timestamp.</summary>
    public AmqpMapBuilder Add(Symbol key, DateTimeOffset value) => Add(key, AmqpValue.From(value));

    /// <summary>Adds an array of strings.</summary>
    public AmqpMapBuilder Add(Symbol key, string[] values) => Add(key, AmqpValue.From(values));

    /// <summary>Adds an array of symbols.</summary>
    public AmqpMapBuilder Add(Symbol key, Symbol[] values) => Add(key, AmqpValue.From(values));

    /// <summary>The map.</summary>
    public AmqpMap Build()
    {
        using var buffer = new ByteBuffer();
        var writer = new AmqpWriter(buffer);
        var mark = writer.BeginMap();
        foreach (var (key, value) in _entries)
        {
            if (keys == MapKeyKind.String)
                writer.WriteString(key.Value);
            else
                writer.WriteSymbol(key);
            writer.WriteValue(value);
        }
        writer.EndMap(mark, _entries.Count * 2);
        return new AmqpMap(buffer.WrittenSpan.ToArray());
    }
}
