using Hubbub.Server.Hosting;

namespace Hubbub.Server.Tests.Hosting;

/// <summary>The sockets' memory.</summary>
public sealed class TransportBlocksTests
{
    [Fact]
    public void Rent_GivesBlocksOfATlsRecord_AndTheSameOnesAgain()
    {
        using var blocks = new TransportBlockFactory().Create();
        var first = blocks.Rent(1);
        var second = blocks.Rent();
        Assert.NotSame(first, second);
        Assert.Equal(HostingLimits.TransportBlockBytes, first.Memory.Length);
        Assert.Equal(HostingLimits.TransportBlockBytes, second.Memory.Length);

        second.Dispose();

        Assert.Same(second, blocks.Rent(HostingLimits.TransportBlockBytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => blocks.Rent(HostingLimits.TransportBlockBytes + 1));
    }

    [Fact]
    public void Return_BeyondWhatIsKept_IsLeftToTheCollector()
    {
        using var blocks = new TransportBlocks();
        var all = Enumerable.Range(0, HostingLimits.TransportBlocksKept + 10).Select(_ => blocks.Rent()).ToArray();
        foreach (var block in all)
            block.Dispose();

        var again = Enumerable.Range(0, all.Length).Select(_ => blocks.Rent()).ToHashSet();

        Assert.Equal(HostingLimits.TransportBlocksKept, again.Intersect(all).Count());
    }
}
