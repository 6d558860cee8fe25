using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hubbub.Amqp.Codec;

/// <summary>
/// A growing buffer on an array of the shared pool. It holds no array until something is written and after
/// <see cref="Release"/>, so an idle connection's buffers cost nothing. Not thread-safe. What was taken from it
/// (<see cref="WrittenSpan"/>, <see cref="WrittenMemory"/>) is valid until the next write or release.
/// </summary>
public sealed class ByteBuffer : IBufferWriter<byte>, IDisposable
{
    private const int FirstSizeBytes = 256;
    private byte[] _array = [];
    private int _length;

    /// <summary>Bytes written.</summary>
    public int Length => _length;

    /// <summary>The array itself, for patching what was written; replaced when the buffer grows.</summary>
    public byte[] Array => _array;

    /// <summary>What was written.</summary>
    public Span<byte> WrittenSpan => _array.AsSpan(0, _length);

    /// <summary>What was written.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => new(_array, 0, _length);

    /// <summary>Room for at least <paramref name="sizeHint"/> bytes (one when it is 0).</summary>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(Math.Max(sizeHint, 1));
        return _array.AsSpan(_length);
    }

    /// <summary>Room for at least <paramref name="sizeHint"/> bytes (one when it is 0).</summary>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(Math.Max(sizeHint, 1));
        return _array.AsMemory(_length);
    }

    /// <summary>Takes <paramref name="count"/> bytes of the room as written.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There was less room.</exception>
    public void Advance(int count)
    {
        if ((uint)count > (uint)(_array.Length - _length))
            throw new ArgumentOutOfRangeException(nameof(count));
        _length += count;
    }

    /// <summary>Appends the bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    /// <summary>
    /// Appends <paramref name="size"/> bytes, to be filled in by the caller: they hold old data until then.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Reserve(int size)
    {
        var start = _length;
        if ((uint)size > (uint)(_array.Length - start))
            Grow(size);
        _length = start + size;
        // Grow has made the room, so the slice needs no second check: this is the hottest line of every encoder.
        return MemoryMarshal.CreateSpan(
            ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_array), (nint)(uint)start), size);
    }

    /// <summary>Forgets what was written and keeps the array.</summary>
    public void Clear() => _length = 0;

    /// <summary>Forgets what was written after the first <paramref name="length"/> bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than was written.</exception>
    public void Truncate(int length)
    {
        if ((uint)length > (uint)_length)
            throw new ArgumentOutOfRangeException(nameof(length));
        _length = length;
    }

    /// <summary>Forgets what was written and gives the array back.</summary>
    public void Release()
    {
        var array = _array;
        _array = [];
        _length = 0;
        if (array.Length > 0)
            ArrayPool<byte>.Shared.Return(array);
    }

    /// <summary>Gives the array back. The buffer may be used again.</summary>
    public void Dispose() => Release();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnsureRoom(int size)
    {
        if ((uint)size > (uint)(_array.Length - _length))
            Grow(size);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        var needed = checked(_length + size);
        var doubled = (int)Math.Min((uint)_array.Length * 2, (uint)System.Array.MaxLength);
        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(Math.Max(needed, doubled), FirstSizeBytes));
        _array.AsSpan(0, _length).CopyTo(grown);
        var old = _array;
        _array = grown;
        if (old.Length > 0)
            ArrayPool<byte>.Shared.Return(old);
    }
}
