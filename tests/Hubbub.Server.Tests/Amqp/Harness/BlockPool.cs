using System.Buffers;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>Memory for pipes that is never given up, so that a pipe allocates nothing once it has been full.</summary>
internal sealed class BlockPool : MemoryPool<byte>
{
    private const int BlockBytes = 4_096;
    private readonly Stack<Block> _free = new();

    public override int MaxBufferSize => BlockBytes;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        lock (_free)
            return _free.TryPop(out var block) ? block : new Block(this);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class Block(BlockPool pool) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = new byte[BlockBytes];

        public void Dispose()
        {
            lock (pool._free)
                pool._free.Push(this);
        }
    }
}
