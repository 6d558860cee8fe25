using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Core.Tests.Identities;

namespace Hubbub.Core.Tests.Security;

/// <summary>Who names a certificate, as the registry changes.</summary>
public sealed class PinnedCertificatesTests
{
    private static readonly ClientCertificate Certificate = MakeCertificate();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Deletion_OfADevice_LeavesNoneOfItsModulesBehind()
    {
        var registry = await IdentityRegistry.OpenAsync(new MemoryIdentityStore(), TimeProvider.System, Cancellation);
        var pinned = new PinnedCertificates(registry);
        foreach (var deviceId in new[] { "d1", "d2" })
        {
            Assert.True((await registry.CreateDeviceAsync(
                new() { DeviceId = deviceId, Authentication = Named() }, Cancellation)).IsOk);
            foreach (var moduleId in new[] { "m1", "m2" })
            {
                Assert.True((await registry.CreateModuleAsync(
                    new() { DeviceId = deviceId, ModuleId = moduleId, Authentication = Named() }, Cancellation)).IsOk);
            }
        }
        Assert.Equal(6, Find(pinned).Count);

        await registry.DeleteModuleAsync("d1", "m2", IfMatch.Any, Cancellation);
        await registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);

        Assert.Equal(3, pinned.Count);
        Assert.Equal([new("d2", null), new("d2", "m1"), new("d2", "m2")], Find(pinned));
    }

    private static IReadOnlyList<IdentityName> Find(PinnedCertificates pinned) =>
        pinned.Find(Certificate, 100);

    private static IdentityAuthentication Named() =>
        new() { Type = AuthenticationType.SelfSigned, PrimaryThumbprint = Certificate.Sha256 };

    private static ClientCertificate MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UnixEpoch;
        var request = new CertificateRequest("CN=any", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(now, now.AddYears(100));
        return ClientCertificate.Of(certificate);
    }
}
