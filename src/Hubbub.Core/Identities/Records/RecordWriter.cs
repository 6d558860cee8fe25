using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Hubbub.Core.Identities.Records;

/// <summary>Builds one record at a time in a buffer that is kept: header, key, fields with their lengths.</summary>
internal sealed class RecordWriter
{
    private byte[] _buffer = new byte[1024];
    private int _length;

    /// <summary>What was built.</summary>
    public Span<byte> Record => _buffer.AsSpan(0, _length);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Start(ReadOnlySpan<byte> id, ReadOnlySpan<byte> idBelow)
    {
        _length = RecordArena.HeaderLength;
        var keyLength = id.Length + (idBelow.IsEmpty ? 0 : 1 + idBelow.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(Take(sizeof(ushort)), (ushort)keyLength);
        id.CopyTo(Take(id.Length));
        if (idBelow.IsEmpty)
            return;
        Take(1)[0] = (byte)'/';
        idBelow.CopyTo(Take(idBelow.Length));
    }

    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(sizeof(ushort)), value);

    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(sizeof(long)), value);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void WriteField(ReadOnlySpan<byte> value)
    {
        WriteUInt16(checked((ushort)value.Length));
        value.CopyTo(Take(value.Length));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Span<byte> Take(int length)
    {
        if (_buffer.Length - _length < length)
            Array.Resize(ref _buffer, Math.Max(2 * _buffer.Length, _length + length));
        _length += length;
        return _buffer.AsSpan(_length - length, length);
    }
}
