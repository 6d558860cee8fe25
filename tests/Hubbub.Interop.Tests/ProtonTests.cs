using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>Apache Qpid Proton, by Debian's python3-qpid-proton.</summary>
public sealed class ProtonTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private PeerStories Stories => new(ClientScript.Proton, own.Hub);

    [Theory]
    [InlineData(512, false)]
    [InlineData(4096, false)]
    [InlineData(0, true)]
    public Task Peer_SendsAllSizes_ReadsThemBack(int maxFrame, bool tls) => Stories.TransferAsync(maxFrame, tls);

    [Fact]
    public Task Reader_Drains_CreditIsUsedOrHandedBack() => Stories.DrainAsync();

    [Fact]
    public Task Links_DetachAndReattachByName_GoOn() => Stories.ReattachAsync();

    [Fact]
    public Task Device_SilentBeyondItsIdleTimeOut_IsKeptByHeartbeats() => Stories.HeartbeatAsync();

    [Fact]
    public Task Session_WithManyLinks_ServesEach() => Stories.LinksAsync(100);

    [Fact]
    public Task Device_AtAddressesThatAreNotItsOwn_IsRefusedAndGoesOn() => Stories.RefuseAsync();
}
