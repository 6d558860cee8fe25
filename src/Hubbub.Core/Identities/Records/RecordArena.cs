using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Hubbub.Core.Identities.Records;

/// <summary>
/// Records of bytes in large arrays, so that a million of them are a few hundred objects to the garbage collector. A
/// record is never changed once it has an address: a new version is appended, and an array that has become mostly
/// garbage is emptied and dropped. One writer at a time; readers need no lock.
/// </summary>
/// <remarks>A record starts with its length (i32, with this header) and the number of its owner (i32).</remarks>
internal sealed class RecordArena
{
    public const int HeaderLength = 8;

    private const int ChunkLength = 1 << 20;
    private const int FirstChunkLength = 1 << 14; // An empty hub should not pay for a million devices.
    private const int Doublings = 6;

    // Chunk numbers are never given again, so an address that a reader still holds cannot mean another record.
    private byte[]?[] _chunks = new byte[]?[16];
    private int[] _liveBytes = new int[16];
    private int _chunkCount;
    private int _end;

    /// <summary>Appends a record with a complete header.</summary>
    /// <returns>Its address, which is never 0.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public long Append(ReadOnlySpan<byte> record)
    {
        if (_chunkCount == 0 || _chunks[_chunkCount - 1]!.Length - _end < record.Length)
            AddChunk(record.Length);
        var chunk = _chunkCount - 1;
        record.CopyTo(_chunks[chunk].AsSpan(_end));
        var address = ((long)(chunk + 1) << 32) | (uint)_end;
        _end += record.Length;
        _liveBytes[chunk] += record.Length;
        return address;
    }

    /// <summary>The record with its header; empty when it has been moved: its owner knows where to.</summary>
    public ReadOnlyMemory<byte> Read(long address)
    {
        if (Volatile.Read(ref Volatile.Read(ref _chunks)[ChunkOf(address)]) is not { } chunk)
            return default;
        var offset = (int)(uint)address;
        return chunk.AsMemory(offset, BinaryPrimitives.ReadInt32LittleEndian(chunk.AsSpan(offset)));
    }

    /// <summary>Says that nobody refers to a record any more.</summary>
    /// <returns>A chunk that should be emptied; -1 for none.</returns>
    public int Discard(long address, int length)
    {
        var chunk = ChunkOf(address);
        _liveBytes[chunk] -= length;
        // With a third of garbage, moving the rest costs two bytes for each byte that is won.
        return chunk < _chunkCount - 1 && _liveBytes[chunk] < _chunks[chunk]!.Length / 3 * 2 ? chunk : -1;
    }

    /// <summary>Gives each record of a chunk to <paramref name="move"/>, which appends the live ones anew.</summary>
    public void Empty(int chunk, Action<long, ReadOnlyMemory<byte>> move)
    {
        var bytes = _chunks[chunk]!;
        for (var offset = 0; offset + HeaderLength <= bytes.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(offset));
            if (length == 0)
                break;
            move(((long)(chunk + 1) << 32) | (uint)offset, bytes.AsMemory(offset, length));
            offset += length;
        }
        // After the moves: who finds no chunk here must find the new address there.
        Volatile.Write(ref _chunks[chunk], null);
        _liveBytes[chunk] = 0;
    }

    private static int ChunkOf(long address) => (int)(address >> 32) - 1;

    private void AddChunk(int lengthMin)
    {
        if (_chunkCount == _chunks.Length)
        {
            var chunks = new byte[]?[2 * _chunkCount];
            Array.Copy(_chunks, chunks, _chunkCount);
            Volatile.Write(ref _chunks, chunks);
            Array.Resize(ref _liveBytes, 2 * _chunkCount);
        }
        var length = _chunkCount < Doublings ? FirstChunkLength << _chunkCount : ChunkLength;
        Volatile.Write(ref _chunks[_chunkCount], new byte[Math.Max(length, lengthMin)]);
        _chunkCount++;
        _end = 0;
    }
}
