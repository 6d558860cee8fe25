using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Hubbub.Core.Events;

/// <summary>
/// The Event Hubs hash of a partition key: Bob Jenkins' lookup3 with both seeds zero, folded to 16 bits. The same key
/// always falls into the same partition, here as in the clients' own implementations.
/// </summary>
public static class PartitionHash
{
    private const int BlockSize = 12;
    private const int StackBytesMax = 512; // Any device id (128 characters) fits.

    /// <summary>The hash of the key's UTF-8 bytes.</summary>
    public static short Compute(ReadOnlySpan<char> key)
    {
        var length = Encoding.UTF8.GetMaxByteCount(key.Length);
        Span<byte> bytes = length <= StackBytesMax ? stackalloc byte[StackBytesMax] : new byte[length];
        return Compute(bytes[..Encoding.UTF8.GetBytes(key, bytes)]);
    }

    /// <summary>The hash of a key that is already bytes.</summary>
    public static short Compute(ReadOnlySpan<byte> key)
    {
        uint a, b, c;
        a = b = c = 0xDEADBEEF + (uint)key.Length;
        while (key.Length > BlockSize)
        {
            Add(key, ref a, ref b, ref c);
            Mix(ref a, ref b, ref c);
            key = key[BlockSize..];
        }
        if (!key.IsEmpty)
        {
            Span<byte> padded = stackalloc byte[BlockSize];
            padded.Clear();
            key.CopyTo(padded);
            Add(padded, ref a, ref b, ref c);
            FinalMix(ref a, ref b, ref c);
        }
        return unchecked((short)(c ^ b));
    }

    /// <summary>The partition, 0 to <paramref name="partitionCount"/> - 1, that a key belongs to.</summary>
    public static int PartitionOf(ReadOnlySpan<char> key, int partitionCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(partitionCount, 1);
        // The remainder is cut towards zero; a floored one would send the negative hashes elsewhere than the clients
        // do.
        return Math.Abs(Compute(key) % partitionCount);
    }

    private static void Add(ReadOnlySpan<byte> block, ref uint a, ref uint b, ref uint c)
    {
        a += BinaryPrimitives.ReadUInt32LittleEndian(block);
        b += BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        c += BinaryPrimitives.ReadUInt32LittleEndian(block[8..]);
    }

    private static void Mix(ref uint a, ref uint b, ref uint c)
    {
        MixStep(ref a, ref c, b, 4);
        MixStep(ref b, ref a, c, 6);
        MixStep(ref c, ref b, a, 8);
        MixStep(ref a, ref c, b, 16);
        MixStep(ref b, ref a, c, 19);
        MixStep(ref c, ref b, a, 4);
    }

    private static void MixStep(ref uint x, ref uint y, uint z, int bits)
    {
        x -= y;
        x ^= BitOperations.RotateLeft(y, bits);
        y += z;
    }

    private static void FinalMix(ref uint a, ref uint b, ref uint c)
    {
        FinalStep(ref c, b, 14);
        FinalStep(ref a, c, 11);
        FinalStep(ref b, a, 25);
        FinalStep(ref c, b, 16);
        FinalStep(ref a, c, 4);
        FinalStep(ref b, a, 14);
        FinalStep(ref c, b, 24);
    }

    private static void FinalStep(ref uint x, uint y, int bits)
    {
        x ^= y;
        x -= BitOperations.RotateLeft(y, bits);
    }
}
