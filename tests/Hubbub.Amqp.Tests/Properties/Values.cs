using CsCheck;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Tests.Codec;

namespace Hubbub.Amqp.Tests.Properties;

/// <summary>Generates encoded values of any type and depth.</summary>
internal static class Values
{
    private static readonly Gen<byte[]> Simple = Gen.OneOf(
        Gen.Int[0, EncodedValues.All.Length - 1].Select(i => Wire.Bytes(EncodedValues.All[i])),
        Gen.UInt.Select(v => Wire.Write((ref w) => w.WriteUInt(v))),
        Gen.Long.Select(v => Wire.Write((ref w) => w.WriteLong(v))),
        Gen.Guid.Select(v => Wire.Write((ref w) => w.WriteUuid(v))),
        Gen.Byte.Array[0, 300].Select(v => Wire.Write((ref w) => w.WriteBinary(v))),
        Gen.String[Gen.Char['a', 'z'], 0, 300].Select(v => Wire.Write((ref w) => w.WriteString(v))));

    /// <summary>One encoded value.</summary>
    internal static Gen<byte[]> Encoded(int depth)
    {
        if (depth == 0)
            return Simple;
        var inner = Encoded(depth - 1);
        return Gen.OneOf(
            Simple,
            inner.Array[0, 5].Select(elements => Wire.Write((ref w) =>
            {
                var mark = w.BeginList();
                foreach (var element in elements)
                    w.WriteEncoded(element);
                w.EndList(mark, elements.Length);
            })),
            inner.Array[0, 5].Select(values => Wire.Write((ref w) =>
            {
                var mark = w.BeginMap();
                for (var i = 0; i < values.Length; i++)
                {
                    w.WriteInt(i);
                    w.WriteEncoded(values[i]);
                }
                w.EndMap(mark, 2 * values.Length);
            })),
            Gen.Select(Gen.ULong, inner).Select((descriptor, value) => Wire.Write((ref w) =>
            {
                w.WriteDescriptor(descriptor);
                w.WriteEncoded(value);
            })));
    }
}
