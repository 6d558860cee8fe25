using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Hubbub.Amqp.Codec;

/// <summary>
/// A view of one encoded value, read only when asked: what is passed on (a correlation-id) stays byte for byte what
/// came. The default view is a null. A view that a reader gave lives as long as the frame; <see cref="ToOwned"/>
/// makes one that lives on.
/// </summary>
public readonly struct AmqpValue : IEquatable<AmqpValue>
{
    /// <summary>A view of these bytes, which hold exactly one value.</summary>
    public AmqpValue(ReadOnlyMemory<byte> encoded) => Encoded = encoded;

    /// <summary>The encoded value; empty for the default view.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>The type of the value.</summary>
    /// <exception cref="AmqpException">The bytes are no value.</exception>
    public AmqpKind Kind => Encoded.IsEmpty ? AmqpKind.Null : AmqpKinds.Of(Encoded.Span[0]);

    /// <summary>True for a null.</summary>
    public bool IsNull => Encoded.IsEmpty || Encoded.Span[0] == FormatCode.Null;

    /// <summary>A cursor at the value.</summary>
    public AmqpReader Reader => new(Encoded.IsEmpty ? NullEncoding : Encoded);

    private static readonly byte[] NullEncoding = [FormatCode.Null];

    /// <summary>The text of a string and, when asked for, of a symbol.</summary>
    public bool TryGetString([NotNullWhen(true)] out string? value, bool orSymbol = false)
    {
        var reader = Reader;
        value = Kind switch
        {
            AmqpKind.String => reader.ReadString(),
            AmqpKind.Symbol when orSymbol => reader.ReadSymbol().Value,
            _ => null,
        };
        return value is not null;
    }

    /// <summary>The text of a symbol.</summary>
    public bool TryGetSymbol(out Symbol value)
    {
        var reader = Reader;
        var found = Kind == AmqpKind.Symbol;
        value = found ? reader.ReadSymbol() : default;
        return found;
    }

    /// <summary>True for a string or symbol of exactly this text. Allocates nothing.</summary>
    public bool TextEquals(ReadOnlySpan<char> text)
    {
        var reader = Reader;
        var bytes = Kind switch
        {
            AmqpKind.String => reader.ReadStringBytes(),
            AmqpKind.Symbol => reader.ReadSymbolBytes(),
            _ => [],
        };
        if (Kind is not (AmqpKind.String or AmqpKind.Symbol))
            return false;
        if (Ascii.IsValid(bytes))
            return Ascii.Equals(bytes, text);
        // Text of at most so many bytes is in question, so this cannot be made to cost more than it is worth.
        return Encoding.UTF8.GetByteCount(text) == bytes.Length
            && Encoding.UTF8.GetString(bytes).AsSpan().SequenceEqual(text);
    }

    /// <summary>A boolean.</summary>
    public bool TryGetBoolean(out bool value)
    {
        var reader = Reader;
        var found = Kind == AmqpKind.Boolean;
        value = found && reader.ReadBoolean();
        return found;
    }

    /// <summary>An integer of any type that lies within the range.</summary>
    public bool TryGetUInt64(out ulong value)
    {
        var found = TryGetInteger(out var integer) && integer >= 0 && integer <= ulong.MaxValue;
        value = found ? (ulong)integer : 0;
        return found;
    }

    /// <summary>An integer of any type that lies within the range.</summary>
    public bool TryGetInt64(out long value)
    {
        var found = TryGetInteger(out var integer) && integer >= long.MinValue && integer <= long.MaxValue;
        value = found ? (long)integer : 0;
        return found;
    }

    /// <summary>An integer of any type that lies within the range.</summary>
    public bool TryGetUInt32(out uint value)
    {
        var found = TryGetUInt64(out var wide) && wide <= uint.MaxValue;
        value = found ? (uint)wide : 0;
        return found;
    }

    /// <summary>An integer of any type that lies within the range.</summary>
    public bool TryGetInt32(out int value)
    {
        var found = TryGetInt64(out var wide) && wide is >= int.MinValue and <= int.MaxValue;
        value = found ? (int)wide : 0;
        return found;
    }

    /// <summary>A float or double.</summary>
    public bool TryGetDouble(out double value)
    {
        var reader = Reader;
        var kind = Kind;
        value = kind == AmqpKind.Double ? reader.ReadDouble() : kind == AmqpKind.Float ? reader.ReadFloat() : 0;
        return kind is AmqpKind.Double or AmqpKind.Float;
    }

    /// <summary>A uuid.</summary>
    public bool TryGetGuid(out Guid value)
    {
        var reader = Reader;
        var found = Kind == AmqpKind.Uuid;
        value = found ? reader.ReadUuid() : default;
        return found;
    }

    /// <summary>A timestamp.</summary>
    public bool TryGetTimestamp(out Timestamp value)
    {
        var reader = Reader;
        var found = Kind == AmqpKind.Timestamp;
        value = found ? reader.ReadTimestamp() : default;
        return found;
    }

    /// <summary>A binary, as a slice.</summary>
    public bool TryGetBinary(out ReadOnlyMemory<byte> value)
    {
        var reader = Reader;
        var found = Kind == AmqpKind.Binary;
        value = found ? reader.ReadBinary() : default;
        return found;
    }

    /// <summary>A map.</summary>
    public bool TryGetMap(out AmqpMap value)
    {
        var found = Kind == AmqpKind.Map;
        value = found ? new AmqpMap(Encoded) : default;
        return found;
    }

    /// <summary>The value as a map; null when it is none.</summary>
    public AmqpMap? AsMap() => TryGetMap(out var map) ? map : null;

    /// <summary>The two parts of a described value.</summary>
    /// <param name="descriptor">A ulong or a symbol, as it came.</param>
    /// <param name="inner">The value described.</param>
    public bool TryGetDescribed(out AmqpValue descriptor, out AmqpValue inner)
    {
        var found = Kind == AmqpKind.Described;
        descriptor = inner = default;
        if (!found)
            return false;
        var reader = new AmqpReader(Encoded[1..]);
        descriptor = reader.ReadValue();
        inner = reader.ReadValue();
        return true;
    }

    /// <summary>The value described, or the value itself when it is not described.</summary>
    public AmqpValue Undescribed() => TryGetDescribed(out _, out var inner) ? inner : this;

    /// <summary>A view of a copy, which lives on when the frame is gone.</summary>
    public AmqpValue ToOwned() => new(Encoded.ToArray());

    /// <summary>A string; null gives a null.</summary>
    public static AmqpValue From(string? value) =>
        AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteStringOrNull(v));

    /// <summary>A symbol.</summary>
    public static AmqpValue From(Symbol value) => AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteSymbol(v));

    /// <summary>A boolean.</summary>
    public static AmqpValue From(bool value) => AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteBoolean(v));

    /// <summary>An int.</summary>
    public static AmqpValue From(int value) => AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteInt(v));

    /// <summary>A uint.</summary>
    public static AmqpValue From(uint value) => AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteUInt(v));

    /// <summary>A long.</summary>
    public static AmqpValue From(long value) => AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteLong(v));

    /// <summary>A ulong.</summary>
    public static AmqpValue From(ulong value) => AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteULong(v));

    /// <summary>A double.</summary>
    public static AmqpValue From(double value) => AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteDouble(v));

    /// <summary>A uuid.</summary>
    public static AmqpValue From(Guid value) => AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteUuid(v));

    /// <summary>A timestamp.</summary>
    public static AmqpValue From(Timestamp value) =>
        AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteTimestamp(v));

    /// <summary>A timestamp.</summary>
    public static AmqpValue From(DateTimeOffset value) => From(Timestamp.From(value));

    /// <summary>A binary, copied.</summary>
    public static AmqpValue From(ReadOnlyMemory<byte> value) =>
        AmqpValueEncoder.Encode(value, static (ref w, v) => w.WriteBinary(v.Span));

    /// <summary>A map.</summary>
    public static AmqpValue From(AmqpMap value) => new(value.Encoded);

    /// <summary>An array of strings.</summary>
    public static AmqpValue From(string[] values) =>
        AmqpValueEncoder.Encode(values, static (ref w, v) => w.WriteStrings(v));

    /// <summary>An array of symbols.</summary>
    public static AmqpValue From(Symbol[] values) =>
        AmqpValueEncoder.Encode(values, static (ref w, v) => w.WriteSymbols(v));

    /// <summary>A value described by a symbol.</summary>
    public static AmqpValue Described(Symbol descriptor, AmqpValue inner) =>
        AmqpValueEncoder.Encode((descriptor, inner), static (ref w, v) =>
        {
            w.WriteDescriptor(v.descriptor);
            w.WriteValue(v.inner);
        });

    /// <summary>A value described by a number.</summary>
    public static AmqpValue Described(ulong descriptor, AmqpValue inner) =>
        AmqpValueEncoder.Encode((descriptor, inner), static (ref w, v) =>
        {
            w.WriteDescriptor(v.descriptor);
            w.WriteValue(v.inner);
        });

    /// <summary>True when both encode the same bytes: one value in two encodings is not equal to itself.</summary>
    public bool Equals(AmqpValue other) =>
        IsNull ? other.IsNull : Encoded.Span.SequenceEqual(other.Encoded.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is AmqpValue other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        if (!IsNull)
            hash.AddBytes(Encoded.Span);
        return hash.ToHashCode();
    }

    /// <summary>Bytewise equality.</summary>
    public static bool operator ==(AmqpValue left, AmqpValue right) => left.Equals(right);

    /// <summary>Bytewise inequality.</summary>
    public static bool operator !=(AmqpValue left, AmqpValue right) => !left.Equals(right);

    /// <summary>A short text for logs: at most <see cref="CodecLimits.LogTextMax"/> characters; never throws.</summary>
    public override string ToString() => AmqpValueText.Of(this);

    private bool TryGetInteger(out Int128 value)
    {
        var reader = Reader;
        var kind = Kind;
        value = kind switch
        {
            AmqpKind.UByte => reader.ReadUByte(),
            AmqpKind.UShort => reader.ReadUShort(),
            AmqpKind.UInt => reader.ReadUInt(),
            AmqpKind.ULong => reader.ReadULong(),
            AmqpKind.Byte => reader.ReadByte(),
            AmqpKind.Short => reader.ReadShort(),
            AmqpKind.Int => reader.ReadInt(),
            AmqpKind.Long => reader.ReadLong(),
            _ => 0,
        };
        return kind is >= AmqpKind.UByte and <= AmqpKind.Long;
    }
}
