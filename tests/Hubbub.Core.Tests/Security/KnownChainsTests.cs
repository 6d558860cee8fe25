using Hubbub.Core.Security;

namespace Hubbub.Core.Tests.Security;

/// <summary>What is remembered of chains is bounded, whatever a peer proves itself by.</summary>
public sealed class KnownChainsTests
{
    [Fact]
    public void Remember_OneCertificateByEverOtherChains_ForgetsAllInTheEnd()
    {
        var chains = new KnownChains();
        byte[] leaf = [1];
        for (var i = 0; i < SecurityLimits.DistinctChainsMax; i++)
            Assert.True(chains.Remember(leaf, [BitConverter.GetBytes(i)]));
        Assert.True(chains.Remember([2], [BitConverter.GetBytes(0)]));

        var kept = chains.Remember(leaf, [BitConverter.GetBytes(-1)]);

        Assert.False(kept);
        Assert.Empty(chains.Above([2]));
        Assert.Equal(BitConverter.GetBytes(-1), Assert.Single(chains.Above(leaf)));
    }
}
