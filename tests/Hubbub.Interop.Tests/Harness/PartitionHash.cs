using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>
/// Which partition a device's events land in: Event Hubs' hash of a partition key (Bob Jenkins' lookup3 with seeds of
/// 0), written here a second time so that the hub's own is checked and not trusted.
/// </summary>
internal static class PartitionHash
{
    public static int Of(string key, int partitions)
    {
        var bytes = Encoding.UTF8.GetBytes(key);
        var padded = new byte[Math.Max(12, (bytes.Length + 11) / 12 * 12)];
        bytes.CopyTo(padded, 0);
        uint a = 0xDEADBEEF + (uint)bytes.Length, b = a, c = a;
        for (var at = 0; at < padded.Length; at += 12)
        {
            a += BinaryPrimitives.ReadUInt32LittleEndian(padded.AsSpan(at));
            b += BinaryPrimitives.ReadUInt32LittleEndian(padded.AsSpan(at + 4));
            c += BinaryPrimitives.ReadUInt32LittleEndian(padded.AsSpan(at + 8));
            if (at + 12 < padded.Length) Mix(ref a, ref b, ref c);
        }
        if (bytes.Length > 0) Finish(ref a, ref b, ref c);
        return Math.Abs((short)(c ^ b) % partitions);
    }

    private static void Mix(ref uint a, ref uint b, ref uint c)
    {
        a = (a - c) ^ BitOperations.RotateLeft(c, 4); c += b;
        b = (b - a) ^ BitOperations.RotateLeft(a, 6); a += c;
        c = (c - b) ^ BitOperations.RotateLeft(b, 8); b += a;
        a = (a - c) ^ BitOperations.RotateLeft(c, 16); c += b;
        b = (b - a) ^ BitOperations.RotateLeft(a, 19); a += c;
        c = (c - b) ^ BitOperations.RotateLeft(b, 4); b += a;
    }

    private static void Finish(ref uint a, ref uint b, ref uint c)
    {
        c = (c ^ b) - BitOperations.RotateLeft(b, 14);
        a = (a ^ c) - BitOperations.RotateLeft(c, 11);
        b = (b ^ a) - BitOperations.RotateLeft(a, 25);
        c = (c ^ b) - BitOperations.RotateLeft(b, 16);
        a = (a ^ c) - BitOperations.RotateLeft(c, 4);
        b = (b ^ a) - BitOperations.RotateLeft(a, 14);
        c = (c ^ b) - BitOperations.RotateLeft(b, 24);
    }
}
