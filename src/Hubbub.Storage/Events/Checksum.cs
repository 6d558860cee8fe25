using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Hubbub.Storage.Events;

/// <summary>
/// CRC-32C (Castagnoli), the checksum of everything that the log stores. Check value of "123456789": e3069283.
/// </summary>
internal static class Checksum
{
    public static uint Compute(uint seed, ReadOnlySpan<byte> data)
    {
        var crc = ~seed;
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var stored in words)
        {
            var word = BitConverter.IsLittleEndian ? stored : BinaryPrimitives.ReverseEndianness(stored);
            crc = BitOperations.Crc32C(crc, word);
        }
        foreach (var single in data[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, single);
        return ~crc;
    }
}
