using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hubbub.Amqp.Codec;

/// <summary>
/// A cursor over encoded values. Takes every encoding that a type has, checks every bound, and throws
/// <see cref="AmqpException"/> and nothing else on whatever is wrong. Scalars and slices allocate nothing: binary,
/// maps and opaque values are slices of the memory read and live as long as that.
/// </summary>
public ref struct AmqpReader
{
    /// <summary>
    /// What <see cref="ReadDescriptor"/> says for a symbolic descriptor that no type of the standard has.
    /// </summary>
    public const ulong UnknownDescriptor = ulong.MaxValue;

    private readonly ReadOnlyMemory<byte> _memory;
    private readonly ReadOnlySpan<byte> _span;
    private int _position;

    /// <summary>Starts at the first byte of <paramref name="memory"/>.</summary>
    public AmqpReader(ReadOnlyMemory<byte> memory)
    {
        _memory = memory;
        _span = memory.Span;
    }

    /// <summary>Bytes read.</summary>
    public readonly int Position => _position;

    /// <summary>Bytes left.</summary>
    public readonly int Remaining => _span.Length - _position;

    /// <summary>True when no byte is left.</summary>
    public readonly bool IsAtEnd => _position >= _span.Length;

    /// <summary>The constructor of the next value.</summary>
    public readonly byte PeekFormatCode() =>
        _position < _span.Length ? _span[_position] : throw ValueScanner.Truncated();

    /// <summary>Reads a null if one is next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadNull()
    {
        var position = _position;
        if ((uint)position >= (uint)_span.Length || _span[position] != FormatCode.Null)
            return false;
        _position = position + 1;
        return true;
    }

    /// <summary>Reads a boolean.</summary>
    public bool ReadBoolean() => ReadBooleanOrNull() ?? throw Unexpected("boolean", _position - 1);

    /// <summary>Reads a boolean or a null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool? ReadBooleanOrNull()
    {
        var position = _position;
        if ((uint)position < (uint)_span.Length)
        {
            _position = position + 1;
            switch (_span[position])
            {
                case FormatCode.False:
                    return false;
                case FormatCode.True:
                    return true;
                case FormatCode.Null:
                    return null;
            }
        }
        return ReadWideBoolean(position);
    }

    /// <summary>Reads a ubyte.</summary>
    public byte ReadUByte() => ReadOne(FormatCode.UByte, "ubyte");

    /// <summary>Reads a byte (AMQP's are signed).</summary>
    public sbyte ReadByte() => (sbyte)ReadOne(FormatCode.Byte, "byte");

    /// <summary>Reads a ushort.</summary>
    public ushort ReadUShort() => BinaryPrimitives.ReadUInt16BigEndian(ReadFixed(FormatCode.UShort, 2, "ushort"));

    /// <summary>Reads a short.</summary>
    public short ReadShort() => BinaryPrimitives.ReadInt16BigEndian(ReadFixed(FormatCode.Short, 2, "short"));

    /// <summary>Reads a uint in any of its three encodings.</summary>
    public uint ReadUInt() => TryReadUInt(out var value) ? value : throw Unexpected("uint", _position - 1);

    /// <summary>Reads a uint or a null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint? ReadUIntOrNull() => TryReadUInt(out var value) ? value : null;

    /// <summary>
    /// Reads a uint, or a null and returns false. Apart from <see cref="ReadUIntOrNull"/>, because a nullable that is
    /// returned by a call is put together in memory, which takes longer than all of the reading.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadUInt(out uint value)
    {
        var span = _span;
        var position = _position;
        if ((uint)position < (uint)span.Length)
        {
            switch (span[position])
            {
                case FormatCode.Null:
                    _position = position + 1;
                    value = 0;
                    return false;
                case FormatCode.UInt0:
                    _position = position + 1;
                    value = 0;
                    return true;
                case FormatCode.SmallUInt when (uint)(position + 1) < (uint)span.Length:
                    _position = position + 2;
                    value = span[position + 1];
                    return true;
                case FormatCode.UInt when position <= span.Length - 5:
                    _position = position + 5;
                    value = BinaryPrimitives.ReadUInt32BigEndian(span[(position + 1)..]);
                    return true;
            }
        }
        ThrowUnexpected("uint");
        value = 0;
        return false;
    }

    /// <summary>Reads a ulong in any of its three encodings.</summary>
    public ulong ReadULong()
    {
        var rest = _span[_position..];
        if (rest.Length > 0)
        {
            switch (rest[0])
            {
                case FormatCode.ULong0:
                    _position++;
                    return 0;
                case FormatCode.SmallULong when rest.Length >= 2:
                    _position += 2;
                    return rest[1];
                case FormatCode.ULong when rest.Length >= 9:
                    _position += 9;
                    return BinaryPrimitives.ReadUInt64BigEndian(rest[1..]);
            }
        }
        throw Unexpected("ulong");
    }

    /// <summary>Reads an int in either encoding.</summary>
    public int ReadInt() => PeekFormatCode() == FormatCode.SmallInt
        ? (sbyte)ReadOne(FormatCode.SmallInt, "int")
        : BinaryPrimitives.ReadInt32BigEndian(ReadFixed(FormatCode.Int, 4, "int"));

    /// <summary>Reads a long in either encoding.</summary>
    public long ReadLong() => PeekFormatCode() == FormatCode.SmallLong
        ? (sbyte)ReadOne(FormatCode.SmallLong, "long")
        : BinaryPrimitives.ReadInt64BigEndian(ReadFixed(FormatCode.Long, 8, "long"));

    /// <summary>Reads a char, which is one Unicode scalar value.</summary>
    public Rune ReadChar()
    {
        var scalar = BinaryPrimitives.ReadUInt32BigEndian(ReadFixed(FormatCode.Char, 4, "char"));
        return Rune.TryCreate(scalar, out var rune)
            ? rune
            : throw AmqpException.Decode("a char is not a Unicode scalar value");
    }

    /// <summary>Reads a timestamp.</summary>
    public Timestamp ReadTimestamp() =>
        new(BinaryPrimitives.ReadInt64BigEndian(ReadFixed(FormatCode.Timestamp, 8, "timestamp")));

    /// <summary>Reads a uuid.</summary>
    public Guid ReadUuid() => new(ReadFixed(FormatCode.Uuid, 16, "uuid"), bigEndian: true);

    /// <summary>Reads a binary as a slice.</summary>
    public ReadOnlyMemory<byte> ReadBinary()
    {
        var size = ReadVariable(FormatCode.Binary8, "binary").Length;
        return _memory.Slice(_position - size, size);
    }

    /// <summary>Reads a binary, as a slice, or a null.</summary>
    /// <remarks>ReadOnlyMemory converts from null itself: uncast, the null would become an empty binary.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlyMemory<byte>? ReadBinaryOrNull() => TryReadNull() ? (ReadOnlyMemory<byte>?)null : ReadBinary();

    /// <summary>Reads a string.</summary>
    public string ReadString() => Encoding.UTF8.GetString(ReadStringBytes());

    /// <summary>Reads a string as its UTF-8 bytes, which are checked.</summary>
    public ReadOnlySpan<byte> ReadStringBytes()
    {
        var content = ReadVariable(FormatCode.String8, "string");
        ValueScanner.CheckText(content, FormatCode.String8);
        return content;
    }

    /// <summary>Reads a symbol.</summary>
    public Symbol ReadSymbol() => new(Encoding.ASCII.GetString(ReadSymbolBytes()));

    /// <summary>Reads a symbol as its ASCII bytes, which are checked.</summary>
    public ReadOnlySpan<byte> ReadSymbolBytes()
    {
        var content = ReadVariable(FormatCode.Symbol8, "symbol");
        ValueScanner.CheckText(content, FormatCode.Symbol8);
        return content;
    }

    /// <summary>
    /// Reads what follows the 0x00 of a described value up to and including its descriptor, and the 0x00 itself.
    /// A symbolic descriptor of the standard gives the number that means the same (AMQP 1.3.2: either may come).
    /// </summary>
    /// <returns>The numeric code, or <see cref="UnknownDescriptor"/>.</returns>
    public ulong ReadDescriptor()
    {
        var rest = _span[_position..];
        if (rest.Length >= 3 && rest[0] == FormatCode.Described && rest[1] == FormatCode.SmallULong)
        {
            _position += 3;
            return rest[2];
        }
        return ReadRareDescriptor();
    }

    /// <summary>Reads a list's header.</summary>
    /// <param name="end">The position after the list, for <see cref="ReadEnd"/>.</param>
    /// <returns>The number of elements.</returns>
    public int ReadListHeader(out int end)
    {
        var span = _span;
        var position = _position;
        // The list8 of every performative. Checked as in the general case below, without its calls.
        if (position <= span.Length - 3 && span[position] == FormatCode.List8)
        {
            int size = span[position + 1];
            int count = span[position + 2];
            end = position + 2 + size;
            if (end <= span.Length && count < size)
            {
                _position = position + 3;
                return count;
            }
        }
        return ReadCompoundHeader(FormatCode.List8, "list", out end);
    }

    /// <summary>Reads the list header of a composite type.</summary>
    /// <param name="fieldsMax">How many fields the type has; fewer may come, more may not.</param>
    /// <param name="type">The type's name, for the error text.</param>
    /// <param name="end">The position after the list, for <see cref="ReadEnd"/>.</param>
    /// <returns>The number of fields that came.</returns>
    public int ReadListHeader(int fieldsMax, string type, out int end)
    {
        var count = ReadListHeader(out end);
        if (count > fieldsMax)
            ThrowTooManyFields(count, fieldsMax, type);
        return count;
    }

    /// <summary>Reads a map's header, as a list's; the number is that of keys and values together, and even.</summary>
    public int ReadMapHeader(out int end)
    {
        var count = ReadCompoundHeader(FormatCode.Map8, "map", out end);
        return (count & 1) == 0 ? count : throw AmqpException.Decode("a map has a key without a value");
    }

    /// <summary>Checks that a list or map was read to its end and not beyond.</summary>
    /// <param name="end">What the header gave.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void ReadEnd(int end)
    {
        if (_position != end)
            ThrowEnd();
    }

    /// <summary>Reads one value of any type, checking all of it.</summary>
    public void SkipValue() => _position = ValueScanner.Skip(_span, _position);

    /// <summary>Reads one value of any type, checking all of it, as a slice.</summary>
    public ReadOnlyMemory<byte> ReadEncodedValue()
    {
        var start = _position;
        _position = ValueScanner.Skip(_span, start);
        return _memory[start.._position];
    }

    /// <summary>What was read since <paramref name="start"/>, as a slice.</summary>
    public readonly ReadOnlyMemory<byte> Slice(int start) => _memory[start.._position];

    /// <summary>Reads one value of a simple type that was checked before; its bounds are checked again.</summary>
    internal void SkipSimple() => _position = ValueScanner.SkipSimple(_span, _position);

    /// <summary>Reads one value of any type, checking all of it, as a view of the slice.</summary>
    public AmqpValue ReadValue() => new(ReadEncodedValue());

    /// <summary>Reads a map, checking all of it, as a view of the slice.</summary>
    public AmqpMap ReadMap() => PeekFormatCode() is FormatCode.Map8 or FormatCode.Map32
        ? new(ReadEncodedValue())
        : throw Unexpected("map");

    private bool ReadWideBoolean(int position)
    {
        if (position > _span.Length - 2 || _span[position] != FormatCode.Boolean || _span[position + 1] > 1)
            throw Unexpected("boolean", position);
        _position = position + 2;
        return _span[position + 1] == 1;
    }

    private ulong ReadRareDescriptor()
    {
        if (PeekFormatCode() != FormatCode.Described)
            throw Unexpected("described value");
        _position++;
        switch (PeekFormatCode())
        {
            case FormatCode.Described:
                throw AmqpException.Decode("a descriptor is itself described");
            case FormatCode.Symbol8 or FormatCode.Symbol32:
                return SymbolicDescriptors.Find(ReadSymbolBytes());
            default:
                return ReadULong();
        }
    }

    private int ReadCompoundHeader(byte code8, string expected, out int end)
    {
        var code = PeekFormatCode();
        if (code == FormatCode.List0 && code8 == FormatCode.List8)
        {
            end = ++_position;
            return 0;
        }
        if (code != code8 && code != code8 + 0x10)
            throw Unexpected(expected);
        var position = _position + 1;
        var count = ValueScanner.ReadCompoundHeader(_span, ref position, code == code8 ? 1 : 4, out end);
        _position = position;
        return count;
    }

    private byte ReadOne(byte code, string expected)
    {
        var position = _position;
        if (position > _span.Length - 2 || _span[position] != code)
            throw Unexpected(expected);
        _position = position + 2;
        return _span[position + 1];
    }

    /// <summary>Reads the data of a fixed-width type that has one constructor.</summary>
    internal ReadOnlySpan<byte> ReadFixed(byte code, int width, string expected)
    {
        var position = _position;
        if (position > _span.Length - width - 1 || _span[position] != code)
            throw Unexpected(expected);
        _position = position + 1 + width;
        return _span.Slice(position + 1, width);
    }

    private ReadOnlySpan<byte> ReadVariable(byte code8, string expected)
    {
        var code = PeekFormatCode();
        if (code != code8 && code != code8 + 0x10)
            throw Unexpected(expected);
        var width = code == code8 ? 1 : 4;
        var size = ValueScanner.ReadSize(_span, _position + 1, width);
        var start = _position + 1 + width;
        if (size > _span.Length - start)
            throw ValueScanner.Truncated();
        _position = start + size;
        return _span.Slice(start, size);
    }

    private readonly AmqpException Unexpected(string expected) => Unexpected(expected, _position);

    private readonly AmqpException Unexpected(string expected, int position)
    {
        if (position >= _span.Length)
            return ValueScanner.Truncated();
        var code = _span[position];
        return AmqpException.Decode($"a {expected} was expected, or it ends too early: the format code is 0x{code:x2}");
    }

    [DoesNotReturn]
    private readonly void ThrowUnexpected(string expected) => throw Unexpected(expected);

    [DoesNotReturn]
    private static void ThrowTooManyFields(int count, int fieldsMax, string type) =>
        throw AmqpException.Decode($"{type}: {count} fields, and the type has {fieldsMax}");

    [DoesNotReturn]
    private static void ThrowEnd() => throw AmqpException.Decode("the fields of a list or map do not fill its size");
}
