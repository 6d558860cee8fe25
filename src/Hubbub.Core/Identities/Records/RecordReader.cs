using System.Buffers.Binary;
using System.Text;

namespace Hubbub.Core.Identities.Records;

/// <summary>Reads the fields of a record in the order in which they were written.</summary>
internal struct RecordReader(ReadOnlyMemory<byte> record)
{
    private ReadOnlyMemory<byte> _rest = RecordTable.PayloadOf(record);

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)).Span);

    public long ReadInt64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)).Span);

    public ReadOnlyMemory<byte> ReadField() => Take(ReadUInt16());

    public string ReadText() => Encoding.UTF8.GetString(ReadField().Span);

    private ReadOnlyMemory<byte> Take(int length)
    {
        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
