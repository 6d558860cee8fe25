using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Security;

/// <summary>What an operator takes away ends on live links, with the error that clients understand; the rest goes on.</summary>
public sealed class RevocationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("key of the policy")]
    [InlineData("policy removed")]
    public async Task Policy_TakenAway_EndsEveryLinkThatStandsOnIt(string what)
    {
        await using var hub = await TestHub.StartAsync(partitions: 1);
        await hub.CreateDeviceAsync("d1");
        await hub.Core.Policies.AddAsync(
            "all", AccessRights.ServiceConnect | AccessRights.DeviceConnect, Cancellation);
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        Assert.Equal(200, (await cbs.PutAsync(hub.PolicyToken("all"))).Status);
        PeerLink[] links =
        [
            await session.TelemetryAsync("d1"),
            await session.ReceiverAsync("/devices/d1/messages/devicebound"),
            await session.SenderAsync("/messages/devicebound"),
            await session.ReceiverAsync("/messages/serviceBound/feedback"),
            await session.ReaderAsync(hub, 0),
        ];
        Assert.All(links, link => Assert.Null(link.Refusal));
        var bystander = await hub.ConnectServiceAsync();
        var untouched = await bystander.ReaderAsync(hub, 0);

        if (what == "policy removed")
            await hub.Core.Policies.RemoveAsync("all", Cancellation);
        else
            await hub.Core.Policies.RegenerateAsync("all", KeySlot.Primary, Cancellation);

        foreach (var link in links)
        {
            var error = await link.DetachedAsync();
            Assert.Equal(ErrorCondition.UnauthorizedAccess, error!.Condition.Value);
            Assert.Contains("'all'", error.Description, StringComparison.Ordinal);
        }
        await bystander.PingAsync();
        Assert.False(untouched.IsDetached);
    }

    [Fact]
    public async Task PolicyKey_RegeneratedWhileTheOtherIsUsed_DisturbsNothing()
    {
        await using var hub = await TestHub.StartAsync(partitions: 1);
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        var bySecondary = Tokens.Sign(
            TestHub.Host, hub.Policy("device").Keys.Secondary, hub.Time.GetUtcNow().AddHours(1), "device");
        await cbs.PutAsync(bySecondary);
        var link = await session.TelemetryAsync("d1");

        var policy = (await hub.Core.Policies.RegenerateAsync("device", KeySlot.Primary, Cancellation)).Value;
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("by the old secondary")));
        await cbs.PutAsync(hub.PolicyToken("device"));
        await hub.Core.Policies.RegenerateAsync("device", KeySlot.Secondary, Cancellation);

        // The link has moved to the new primary, for the token for the same took the place of the old one.
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("by the new primary")));
        Assert.False(link.IsDetached);
        Assert.Equal(policy.Keys.Primary, hub.Policy("device").Keys.Primary);
    }

    [Theory]
    [InlineData("disable", ErrorCondition.UnauthorizedAccess)]
    [InlineData("delete", ErrorCondition.NotFound)]
    [InlineData("other thumbprint", ErrorCondition.UnauthorizedAccess)]
    [InlineData("keys instead", ErrorCondition.UnauthorizedAccess)]
    [InlineData("certificate ends", ErrorCondition.UnauthorizedAccess)]
    public async Task PinnedCertificate_NoLongerGood_EndsItsLinks(string what, string condition)
    {
        await using var hub = await TestHub.StartAsync(partitions: 1);
        using var certificate = SelfSigned(hub, TimeSpan.FromDays(1));
        await CreateAsync(hub, "d1", new() { Type = AuthenticationType.SelfSigned, PrimaryThumbprint = certificate.Thumbprint });
        await hub.CreateDeviceAsync("d2");
        var peer = hub.Connect(certificate: certificate);
        var session = await peer.OpenAsync();
        var link = await session.TelemetryAsync("d1");
        var commands = await session.ReceiverAsync("/devices/d1/messages/devicebound");
        var other = await hub.ConnectDeviceAsync("d2", TimeSpan.FromDays(3));
        var untouched = await other.TelemetryAsync("d2");

        await (what switch
        {
            "disable" => UpdateAsync(hub, new() { Type = AuthenticationType.SelfSigned, PrimaryThumbprint = certificate.Thumbprint }, DeviceStatus.Disabled),
            "delete" => hub.Core.Registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation).AsTask(),
            "other thumbprint" => UpdateAsync(hub, new() { Type = AuthenticationType.SelfSigned, PrimaryThumbprint = new('A', 64) }),
            "keys instead" => UpdateAsync(hub, new() { Type = AuthenticationType.Sas }),
            _ => hub.AdvanceAsync(TimeSpan.FromDays(1) + TimeSpan.FromSeconds(2), peer, other.Peer),
        });

        foreach (var each in (PeerLink[])[link, commands])
            Assert.Equal(condition, (await each.DetachedAsync())!.Condition.Value);
        Assert.NotNull((await session.SenderAsync("/devices/d1/messages/events")).Refusal);
        Assert.IsType<Accepted>(await untouched.SendAndWaitAsync(Values.Message("goes on")));
    }

    [Fact]
    public async Task PinnedCertificate_SecondaryReplacedWhilePrimaryIsUsed_DisturbsNothing()
    {
        await using var hub = await TestHub.StartAsync(partitions: 1);
        using var certificate = SelfSigned(hub, TimeSpan.FromDays(1));
        await CreateAsync(hub, "d1", Pinned(new('B', 40)));
        var session = await hub.Connect(certificate: certificate).OpenAsync();
        var link = await session.TelemetryAsync("d1");

        await UpdateAsync(hub, Pinned(new('C', 40)));

        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("goes on")));

        IdentityAuthentication Pinned(string secondary) => new()
        {
            Type = AuthenticationType.SelfSigned,
            PrimaryThumbprint = certificate.Thumbprint,
            SecondaryThumbprint = secondary,
        };
    }

    [Fact]
    public async Task Authority_Removed_EndsTheLinksOfItsDevicesOnly()
    {
        await using var hub = await TestHub.StartAsync(partitions: 1);
        var (first, second) = (NewRoot(hub, "first"), NewRoot(hub, "second"));
        await AddAsync(hub, "first", first);
        await AddAsync(hub, "second", second);
        foreach (var id in (string[])["d1", "d2"])
            await CreateAsync(hub, id, new() { Type = AuthenticationType.CertificateAuthority });
        using var leaf1 = Leaf(hub, first, "d1");
        using var leaf2 = Leaf(hub, second, "d2");
        var link1 = await (await hub.Connect(certificate: leaf1).OpenAsync()).TelemetryAsync("d1");
        var link2 = await (await hub.Connect(certificate: leaf2).OpenAsync()).TelemetryAsync("d2");
        var external = hub.Connect(certificate: leaf1);
        Assert.Equal(SaslCode.Ok, (await external.SaslAsync("EXTERNAL")).Code);
        await external.OpenAsync();

        await hub.Core.Authorities.RemoveAsync("first", Cancellation);

        var error = await link1.DetachedAsync();
        Assert.Equal(ErrorCondition.UnauthorizedAccess, error!.Condition.Value);
        Assert.Contains("authority", error.Description, StringComparison.Ordinal);
        Assert.Equal(ErrorCondition.UnauthorizedAccess, (await external.NextAsync<Close>()).Error!.Condition.Value);
        Assert.IsType<Accepted>(await link2.SendAndWaitAsync(Values.Message("goes on")));
    }

    [Fact]
    public async Task Authority_EndsByTheHubsClock_EndsWhatItProved()
    {
        await using var hub = await TestHub.StartAsync(partitions: 1);
        var root = NewRoot(hub, "short-lived", TimeSpan.FromHours(2));
        await AddAsync(hub, "root", root);
        await CreateAsync(hub, "d1", new() { Type = AuthenticationType.CertificateAuthority });
        using var leaf = Leaf(hub, root, "d1");
        var peer = hub.Connect(certificate: leaf);
        var link = await (await peer.OpenAsync()).TelemetryAsync("d1");

        await hub.AdvanceAsync(TimeSpan.FromHours(2) + TimeSpan.FromSeconds(2), peer);

        Assert.Equal(ErrorCondition.UnauthorizedAccess, (await link.DetachedAsync())!.Condition.Value);
        var again = await (await hub.Connect(certificate: leaf).OpenAsync()).SenderAsync("/devices/d1/messages/events");
        Assert.Equal(ErrorCondition.UnauthorizedAccess, again.Refusal!.Condition.Value);
    }

    private static async Task CreateAsync(TestHub hub, string id, IdentityAuthentication authentication) =>
        Assert.True((await hub.Core.Registry.CreateDeviceAsync(
            new() { DeviceId = id, Authentication = authentication }, Cancellation)).IsOk);

    private static async Task UpdateAsync(
        TestHub hub, IdentityAuthentication authentication, DeviceStatus status = DeviceStatus.Enabled) =>
        Assert.True((await hub.Core.Registry.UpdateDeviceAsync(
            new() { DeviceId = "d1", Authentication = authentication, Status = status }, IfMatch.Any, Cancellation)).IsOk);

    private static async Task AddAsync(TestHub hub, string name, X509Certificate2 root) =>
        Assert.True((await hub.Core.Authorities.AddAsync(name, root.RawData, Cancellation)).IsOk);

    private static X509Certificate2 SelfSigned(TestHub hub, TimeSpan life)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=device", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(hub.Time.GetUtcNow().AddDays(-1), hub.Time.GetUtcNow() + life);
    }

    private static X509Certificate2 NewRoot(TestHub hub, string name, TimeSpan? life = null)
    {
        var request = new CertificateRequest($"CN={name}", ECDsa.Create(ECCurve.NamedCurves.nistP256), HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(
            hub.Time.GetUtcNow().AddDays(-1), hub.Time.GetUtcNow() + (life ?? TimeSpan.FromDays(30)));
    }

    private static X509Certificate2 Leaf(TestHub hub, X509Certificate2 root, string id)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={id}", key, HashAlgorithmName.SHA256);
        return request.Create(root, root.NotBefore, root.NotAfter, [1, 2, 3]);
    }
}
