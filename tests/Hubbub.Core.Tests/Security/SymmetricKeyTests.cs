using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Core.Tests.Security;

public sealed class SymmetricKeyTests
{
    [Theory]
    [InlineData(15, false)]
    [InlineData(16, true)]
    [InlineData(32, true)]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void TryParse_TakesBase64Of16To64Bytes(int length, bool isValid) =>
        Assert.Equal(isValid, SymmetricKey.TryParse(Convert.ToBase64String(new byte[length]), out _));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("not base64 at all, not at all")]
    public void TryParse_RefusesOtherText(string? text) => Assert.False(SymmetricKey.TryParse(text, out _));

    [Fact]
    public void TryParse_KeepsTheTextAsItWasGiven()
    {
        // People type such keys; the last character has bits that base64 does not use.
        const string typed = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=";

        Assert.True(SymmetricKey.TryParse(typed, out var key));
        Assert.Equal(typed, key.Reveal());
    }

    [Fact]
    public void ToString_OfEverythingThatHoldsAKey_ShowsNone()
    {
        var keys = SymmetricKeyPair.Generate();
        var device = new DeviceIdentity
        {
            DeviceId = "d1",
            GenerationId = "1",
            ETag = "1",
            Authentication = new() { Keys = keys },
        };
        object[] holders =
        [
            keys.Primary,
            keys,
            new AccessPolicy("p", AccessRights.None, keys),
            device,
            new DeviceDescription { DeviceId = "d1", Authentication = device.Authentication },
        ];

        foreach (var holder in holders)
        {
            Assert.DoesNotContain(keys.Primary.Reveal(), holder.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(keys.Secondary.Reveal(), holder.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Policies_RefuseTwoOfOneName()
    {
        var policy = AccessPolicies.CreateDefault().All[0];

        Assert.Throws<ArgumentException>(() => new AccessPolicies([policy, policy with { Name = policy.Name.ToUpperInvariant() }]));
    }
}
