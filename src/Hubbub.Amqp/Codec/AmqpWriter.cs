using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hubbub.Amqp.Codec;

/// <summary>
/// Writes values to a <see cref="ByteBuffer"/>, each in its most compact encoding. Lists and maps are written as
/// <c>list8</c> and <c>map8</c> and widened at their end when they turn out to be larger; never as <c>list0</c>,
/// which a popular client cannot read as the body of a performative.
/// </summary>
/// <param name="buffer">Where to append.</param>
public readonly ref struct AmqpWriter(ByteBuffer buffer)
{
    private readonly ByteBuffer _buffer = buffer;

    /// <summary>The buffer written to.</summary>
    public ByteBuffer Buffer => _buffer;

    /// <summary>Writes a null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteNull() => _buffer.Reserve(1)[0] = FormatCode.Null;

    /// <summary>Writes a boolean.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteBoolean(bool value) => _buffer.Reserve(1)[0] = value ? FormatCode.True : FormatCode.False;

    /// <summary>Writes a ubyte.</summary>
    public void WriteUByte(byte value) => WriteOne(FormatCode.UByte, value);

    /// <summary>Writes a byte (AMQP's are signed).</summary>
    public void WriteByte(sbyte value) => WriteOne(FormatCode.Byte, (byte)value);

    /// <summary>Writes a ushort.</summary>
    public void WriteUShort(ushort value)
    {
        var bytes = _buffer.Reserve(3);
        bytes[0] = FormatCode.UShort;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[1..], value);
    }

    /// <summary>Writes a short.</summary>
    public void WriteShort(short value)
    {
        var bytes = _buffer.Reserve(3);
        bytes[0] = FormatCode.Short;
        BinaryPrimitives.WriteInt16BigEndian(bytes[1..], value);
    }

    /// <summary>Writes a uint.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteUInt(uint value)
    {
        if (value == 0)
            _buffer.Reserve(1)[0] = FormatCode.UInt0;
        else if (value <= byte.MaxValue)
            WriteOne(FormatCode.SmallUInt, (byte)value);
        else
            WriteFour(FormatCode.UInt, value);
    }

    /// <summary>Writes a ulong.</summary>
    public void WriteULong(ulong value)
    {
        if (value == 0)
            _buffer.Reserve(1)[0] = FormatCode.ULong0;
        else if (value <= byte.MaxValue)
            WriteOne(FormatCode.SmallULong, (byte)value);
        else
            WriteEight(FormatCode.ULong, value);
    }

    /// <summary>Writes an int.</summary>
    public void WriteInt(int value)
    {
        if (value is >= sbyte.MinValue and <= sbyte.MaxValue)
            WriteOne(FormatCode.SmallInt, (byte)value);
        else
            WriteFour(FormatCode.Int, (uint)value);
    }

    /// <summary>Writes a long.</summary>
    public void WriteLong(long value)
    {
        if (value is >= sbyte.MinValue and <= sbyte.MaxValue)
            WriteOne(FormatCode.SmallLong, (byte)value);
        else
            WriteEight(FormatCode.Long, (ulong)value);
    }

    /// <summary>Writes a float.</summary>
    public void WriteFloat(float value) => WriteFour(FormatCode.Float, BitConverter.SingleToUInt32Bits(value));

    /// <summary>Writes a double.</summary>
    public void WriteDouble(double value) => WriteEight(FormatCode.Double, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>Writes a decimal32 from its IEEE 754 bits.</summary>
    public void WriteDecimal32(uint bits) => WriteFour(FormatCode.Decimal32, bits);

    /// <summary>Writes a decimal64 from its IEEE 754 bits.</summary>
    public void WriteDecimal64(ulong bits) => WriteEight(FormatCode.Decimal64, bits);

    /// <summary>Writes a decimal128 from its IEEE 754 bits.</summary>
    public void WriteDecimal128(UInt128 bits)
    {
        var bytes = _buffer.Reserve(17);
        bytes[0] = FormatCode.Decimal128;
        BinaryPrimitives.WriteUInt128BigEndian(bytes[1..], bits);
    }

    /// <summary>Writes a char.</summary>
    public void WriteChar(Rune value) => WriteFour(FormatCode.Char, (uint)value.Value);

    /// <summary>Writes a timestamp.</summary>
    public void WriteTimestamp(Timestamp value) => WriteEight(FormatCode.Timestamp, (ulong)value.UnixTimeMs);

    /// <summary>Writes a uuid.</summary>
    public void WriteUuid(Guid value)
    {
        var bytes = _buffer.Reserve(17);
        bytes[0] = FormatCode.Uuid;
        value.TryWriteBytes(bytes[1..], bigEndian: true, out _);
    }

    /// <summary>Writes a binary.</summary>
    public void WriteBinary(ReadOnlySpan<byte> value) => WriteVariable(FormatCode.Binary8, value);

    /// <summary>Writes a string.</summary>
    public void WriteString(ReadOnlySpan<char> value) => WriteText(FormatCode.String8, value, Encoding.UTF8);

    /// <summary>Writes a symbol; characters that are not ASCII become question marks.</summary>
    public void WriteSymbol(Symbol value) => WriteText(FormatCode.Symbol8, value.Value, Encoding.ASCII);

    /// <summary>Writes an array of symbols.</summary>
    public void WriteSymbols(ReadOnlySpan<Symbol> values)
    {
        var mark = BeginArray(FormatCode.Symbol32);
        foreach (var value in values)
            WriteElement(value.Value, Encoding.ASCII);
        EndArray(mark, values.Length);
    }

    /// <summary>Writes an array of strings.</summary>
    public void WriteStrings(ReadOnlySpan<string> values)
    {
        var mark = BeginArray(FormatCode.String32);
        foreach (var value in values)
            WriteElement(value, Encoding.UTF8);
        EndArray(mark, values.Length);
    }

    /// <summary>Appends a value that is encoded already.</summary>
    public void WriteEncoded(ReadOnlySpan<byte> encoded) => _buffer.Write(encoded);

    /// <summary>Writes the value of the view; the default view is a null.</summary>
    public void WriteValue(AmqpValue value)
    {
        if (value.Encoded.IsEmpty)
            WriteNull();
        else
            _buffer.Write(value.Encoded.Span);
    }

    /// <summary>Writes the map of the view; the default view is an empty map.</summary>
    public void WriteMap(AmqpMap map) => _buffer.Write(map.Encoded.Span);

    /// <summary>Writes the start of a described value: the value itself comes next.</summary>
    public void WriteDescriptor(ulong descriptor)
    {
        if (descriptor <= byte.MaxValue)
        {
            var bytes = _buffer.Reserve(3);
            bytes[0] = FormatCode.Described;
            bytes[1] = FormatCode.SmallULong;
            bytes[2] = (byte)descriptor;
            return;
        }
        _buffer.Reserve(1)[0] = FormatCode.Described;
        WriteULong(descriptor);
    }

    /// <summary>
    /// Writes the start of a described value with a symbolic descriptor: the value itself comes next.
    /// </summary>
    public void WriteDescriptor(Symbol descriptor)
    {
        _buffer.Reserve(1)[0] = FormatCode.Described;
        WriteSymbol(descriptor);
    }

    /// <summary>Begins the list of a composite type.</summary>
    /// <returns>The mark for <see cref="EndList"/>.</returns>
    public int BeginList(ulong descriptor)
    {
        WriteDescriptor(descriptor);
        return BeginCompound(FormatCode.List8);
    }

    /// <summary>Begins a list.</summary>
    /// <returns>The mark for <see cref="EndList"/>.</returns>
    public int BeginList() => BeginCompound(FormatCode.List8);

    /// <summary>
    /// Ends the list begun at <paramref name="mark"/>, which holds <paramref name="count"/> elements.
    /// </summary>
    public void EndList(int mark, int count) => EndCompound(mark, count);

    /// <summary>Begins a map.</summary>
    /// <returns>The mark for <see cref="EndMap"/>.</returns>
    public int BeginMap() => BeginCompound(FormatCode.Map8);

    /// <summary>
    /// Ends the map begun at <paramref name="mark"/>, which holds <paramref name="count"/> keys and values together.
    /// </summary>
    public void EndMap(int mark, int count) => EndCompound(mark, count);

    private int BeginCompound(byte code8)
    {
        var mark = _buffer.Length;
        _buffer.Reserve(3)[0] = code8;
        return mark;
    }

    private void EndCompound(int mark, int count)
    {
        // Both sizes count the bytes after the size field itself, so the count field is part of them.
        var size = _buffer.Length - mark - 2;
        if (size <= byte.MaxValue && count <= byte.MaxValue)
        {
            var array = _buffer.Array;
            array[mark + 1] = (byte)size;
            array[mark + 2] = (byte)count;
            return;
        }
        WidenCompound(mark, count);
    }

    private void WidenCompound(int mark, int count)
    {
        var content = _buffer.Length - mark - 3;
        _buffer.Reserve(6);
        var bytes = _buffer.Array.AsSpan(mark);
        bytes.Slice(3, content).CopyTo(bytes[9..]);
        bytes[0] += 0x10;
        BinaryPrimitives.WriteInt32BigEndian(bytes[1..], content + 4);
        BinaryPrimitives.WriteInt32BigEndian(bytes[5..], count);
    }

    /// <summary>Arrays are written with 4-byte elements and narrowed at the end when every element is short.</summary>
    private int BeginArray(byte elementCode)
    {
        var mark = _buffer.Length;
        var bytes = _buffer.Reserve(10);
        bytes[0] = FormatCode.Array32;
        bytes[9] = elementCode;
        return mark;
    }

    private void WriteElement(string? text, Encoding encoding)
    {
        var size = encoding.GetByteCount(text ?? "");
        BinaryPrimitives.WriteInt32BigEndian(_buffer.Reserve(4), size);
        encoding.GetBytes(text ?? "", _buffer.Reserve(size));
    }

    private void EndArray(int mark, int count)
    {
        var bytes = _buffer.Array.AsSpan(mark, _buffer.Length - mark);
        // The narrow form spends 6 bytes less on the header and 3 less on each element.
        var narrow = bytes.Length - 10 - (3 * count) + 2;
        if (narrow <= byte.MaxValue && count <= byte.MaxValue)
        {
            NarrowArray(mark, count, narrow);
            return;
        }
        BinaryPrimitives.WriteInt32BigEndian(bytes[1..], bytes.Length - 5);
        BinaryPrimitives.WriteInt32BigEndian(bytes[5..], count);
    }

    private void NarrowArray(int mark, int count, int size)
    {
        var bytes = _buffer.Array.AsSpan(mark, _buffer.Length - mark);
        bytes[0] = FormatCode.Array8;
        bytes[1] = (byte)size;
        bytes[2] = (byte)count;
        bytes[3] = (byte)(bytes[9] - 0x10);
        var (from, to) = (10, 4);
        for (var i = 0; i < count; i++)
        {
            int length = bytes[from + 3];
            bytes[to] = (byte)length;
            bytes.Slice(from + 4, length).CopyTo(bytes[(to + 1)..]);
            from += 4 + length;
            to += 1 + length;
        }
        Debug.Assert(to == size + 2, "the narrow array fills its size");
        _buffer.Truncate(mark + to);
    }

    private void WriteText(byte code8, ReadOnlySpan<char> text, Encoding encoding)
    {
        // A char is 3 UTF-8 bytes at most, so short text needs no counting pass.
        if (text.Length <= byte.MaxValue / 3)
        {
            var start = _buffer.Length;
            var room = _buffer.Reserve(2 + (3 * text.Length));
            var written = encoding.GetBytes(text, room[2..]);
            room[0] = code8;
            room[1] = (byte)written;
            _buffer.Truncate(start + 2 + written);
            return;
        }
        var size = encoding.GetByteCount(text);
        encoding.GetBytes(text, ReserveVariable(code8, size));
    }

    private void WriteVariable(byte code8, ReadOnlySpan<byte> value) =>
        value.CopyTo(ReserveVariable(code8, value.Length));

    private Span<byte> ReserveVariable(byte code8, int size)
    {
        if (size <= byte.MaxValue)
        {
            var small = _buffer.Reserve(2 + size);
            small[0] = code8;
            small[1] = (byte)size;
            return small[2..];
        }
        var large = _buffer.Reserve(5 + size);
        large[0] = (byte)(code8 + 0x10);
        BinaryPrimitives.WriteInt32BigEndian(large[1..], size);
        return large[5..];
    }

    private void WriteOne(byte code, byte value)
    {
        var bytes = _buffer.Reserve(2);
        bytes[0] = code;
        bytes[1] = value;
    }

    private void WriteFour(byte code, uint value)
    {
        var bytes = _buffer.Reserve(5);
        bytes[0] = code;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], value);
    }

    private void WriteEight(byte code, ulong value)
    {
        var bytes = _buffer.Reserve(9);
        bytes[0] = code;
        BinaryPrimitives.WriteUInt64BigEndian(bytes[1..], value);
    }
}
