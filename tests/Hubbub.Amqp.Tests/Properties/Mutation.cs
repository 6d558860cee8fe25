namespace Hubbub.Amqp.Tests.Properties;

/// <summary>Damages bytes the way that finds decoders' mistakes.</summary>
internal static class Mutation
{
    /// <summary>Values at the edges of sizes, counts, signs and format codes.</summary>
    private static readonly byte[] Edges =
    [
        0x00, 0x01, 0x02, 0x3F, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x53, 0x7F, 0x80, 0xA0, 0xA1, 0xA3, 0xB0, 0xB1,
        0xB3, 0xC0, 0xC1, 0xD0, 0xD1, 0xE0, 0xF0, 0xFE, 0xFF,
    ];

    /// <summary>A damaged copy.</summary>
    internal static byte[] Of(byte[] original, Random random)
    {
        var bytes = original.ToList();
        for (var i = random.Next(1, 5); i > 0; i--)
            Damage(bytes, random);
        return [.. bytes];
    }

    private static void Damage(List<byte> bytes, Random random)
    {
        if (bytes.Count == 0)
        {
            bytes.Add(Edge(random));
            return;
        }
        var at = random.Next(bytes.Count);
        switch (random.Next(8))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 or 2:
                bytes[at] = Edge(random);
                break;
            case 3:
                bytes[at] = (byte)random.Next(256);
                break;
            case 4:
                bytes.RemoveRange(at, random.Next(1, Math.Min(bytes.Count - at, 8) + 1));
                break;
            case 5:
                bytes.Insert(at, Edge(random));
                break;
            case 6:
                var doubled = bytes.GetRange(at, random.Next(1, Math.Min(bytes.Count - at, 16) + 1));
                bytes.InsertRange(random.Next(bytes.Count), doubled);
                break;
            default:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
        }
    }

    private static byte Edge(Random random) => Edges[random.Next(Edges.Length)];
}
