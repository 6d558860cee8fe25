using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;

namespace Hubbub.Server.Hosting;

/// <summary>
/// The memory that sockets read into and write from, in blocks of a whole TLS record. Kestrel's own are a quarter of
/// that, so that a record takes four reads, each with its look whether there is anything, and four wake-ups.
/// </summary>
internal sealed class TransportBlocks : MemoryPool<byte>
{
    private readonly ConcurrentQueue<Block> _free = new();
    private int _freeCount;
    private volatile bool _isDisposed;

    /// <inheritdoc/>
    public override int MaxBufferSize => HostingLimits.TransportBlockBytes;

    /// <summary>A block, whatever size is asked for up to its own.</summary>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, HostingLimits.TransportBlockBytes);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (!_free.TryDequeue(out var block))
            return new Block(this);
        Interlocked.Decrement(ref _freeCount);
        return block;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _isDisposed = true;
        _free.Clear();
    }

    private void Return(Block block)
    {
        if (_isDisposed || Interlocked.Increment(ref _freeCount) > HostingLimits.TransportBlocksKept)
            Interlocked.Decrement(ref _freeCount);
        else
            _free.Enqueue(block);
    }

    /// <summary>Pinned once and for all: the kernel reads into it and writes from it.</summary>
    private sealed class Block(TransportBlocks owner) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = MemoryMarshal.CreateFromPinnedArray(
            GC.AllocateUninitializedArray<byte>(HostingLimits.TransportBlockBytes, pinned: true),
            0,
            HostingLimits.TransportBlockBytes);

        public void Dispose() => owner.Return(this);
    }
}

/// <summary>Gives each of Kestrel's queues <see cref="TransportBlocks"/> of its own.</summary>
internal sealed class TransportBlockFactory : IMemoryPoolFactory<byte>
{
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new TransportBlocks();
}
