using System.Net;
using Hubbub.Core.Security;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Core.Tests.Security;

/// <summary>How failures are counted and slowed, and that no number of attackers takes more memory.</summary>
public sealed class FailedAuthenticationsTests
{
    private static readonly IPAddress s_attacker = IPAddress.Parse("203.0.113.7");
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Identity_BeyondItsBurst_WaitsLongerAndLongerUpToTheBound()
    {
        var failures = new FailedAuthentications(_time);
        for (var i = 0; i < FailureLimits.IdentityBurst; i++)
            Assert.Equal(default, failures.Record(null, "device 'd1'"));

        var first = failures.Record(null, "device 'd1'");
        Assert.Equal(new Slowdown(FailureLimits.IdentityInterval, HasBegun: true), first);
        Assert.Equal(new Slowdown(FailureLimits.DelayMax, HasBegun: false), failures.Record(null, "device 'd1'"));
        Assert.Equal(new Slowdown(FailureLimits.DelayMax, HasBegun: false), failures.Record(null, "device 'd1'"));
        Assert.Equal(3, failures.Slowed);
    }

    [Fact]
    public void Identity_ThatIsLeftAlone_IsForgiven()
    {
        var failures = new FailedAuthentications(_time);
        for (var i = 0; i < 1_000; i++)
            failures.Record(null, "device 'd1'");

        _time.Advance(FailureLimits.IdentityInterval * (FailureLimits.IdentityBurst + 2));

        Assert.Equal(default, failures.Record(null, "device 'd1'"));
    }

    [Fact]
    public void Policy_InAnySpelling_IsOne()
    {
        var failures = new FailedAuthentications(_time);
        for (var i = 0; i < FailureLimits.IdentityBurst; i++)
            failures.Record(null, i % 2 == 0 ? "Policy 'iothubowner'" : "Policy 'IotHubOwner'");

        Assert.True(failures.Record(null, "Policy 'IOTHUBOWNER'").Delay > TimeSpan.Zero);
    }

    [Theory]
    [InlineData("devices/d1", "Device 'd1'")]
    [InlineData("devices/%64%31", "Device 'd1'")]
    [InlineData("devices/%2564%2531", "Device 'd1'")]
    [InlineData("DEVICES/d%2531/messages/events", "Device 'd1'")]
    [InlineData("devices/%2564%2532/modules/%256d", "Module 'm' of device 'd2'")]
    [InlineData("devices/a%2525b", "Device 'a%b'")]
    [InlineData("devices/d1/modules/m", "Module 'm' of device 'd1'")]
    [InlineData("devices/d1/modules/%256d", "Module 'm' of device 'd1'")]
    [InlineData("devices/%2564%2531/modules/%256D", "Module 'm' of device 'd1'")]
    [InlineData("devices/d1/modules/m%2525n", "Module 'm%n' of device 'd1'")]
    [InlineData("somewhere/d1", null)]
    public async Task Identity_InAnyEncoding_IsOne(string path, string? holder)
    {
        var hub = await TestHub.StartAsync(["d1", "a%b"]);
        await hub.AddModuleAsync("d1", "m");
        await hub.AddModuleAsync("d1", "m%n");

        Assert.Equal(
            holder,
            hub.Authenticator.HolderOf($"SharedAccessSignature sr={TestHub.Host}/{path}&sig={new string('A', 43)}%3D&se={TestHub.InOneHour}"));
    }

    [Theory]
    [InlineData("203.0.113.7", "::ffff:203.0.113.7", true)]
    [InlineData("203.0.113.7", "203.0.113.8", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    public void Addresses_OfOneCustomer_CountAsOne(string first, string second, bool areOne)
    {
        var failures = new FailedAuthentications(_time);
        for (var i = 0; i < FailureLimits.AddressBurst; i++)
            Assert.Equal(TimeSpan.Zero, failures.Record(IPAddress.Parse(first), $"device '{i}'").Delay);

        Assert.Equal(areOne, failures.Record(IPAddress.Parse(second), "device 'x'").Delay > TimeSpan.Zero);
        Assert.Equal(areOne, PeerNetwork.Of(IPAddress.Parse(first)).Equals(PeerNetwork.Of(IPAddress.Parse(second))));
    }

    [Fact]
    public void AMillionAddressesAndIds_TakeNoMemory()
    {
        var failures = new FailedAuthentications(_time);
        var holders = Enumerable.Range(0, 1_000).Select(i => $"device '{i}'").ToArray();
        failures.Record(s_attacker, holders[0]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Span<byte> address = stackalloc byte[4];
        var addresses = Enumerable.Range(0, 1_000).Select(i => new IPAddress((long)i * 65_537)).ToArray();
        var afterInputs = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1_000_000; i++)
            failures.Record(addresses[i % 1_000], holders[i / 1_000]);

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - afterInputs < 10_000, $"{afterInputs - before}");
    }
}
