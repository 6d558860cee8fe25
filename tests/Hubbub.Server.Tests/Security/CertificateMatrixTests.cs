using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Security;

/// <summary>
/// Certificates of every shape, made at test time and shown on real TLS: each gets in or does not, as RFC 5280 and the
/// registration say.
/// </summary>
public sealed class CertificateMatrixTests(CertificateWorld world) : IClassFixture<CertificateWorld>
{
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);
    private static readonly Shape s_past = new() { From = -30 * s_day, Until = -s_day };
    private static readonly Shape s_future = new() { From = s_day, Until = 30 * s_day };

    /// <summary>Name, whether it gets in, and the certificate; the device is of the kind certificateAuthority.</summary>
    private static readonly Case[] s_caSigned =
    [
        new("good", true, w => w.Root.Leaf(w.Id)),
        new("good, below one intermediate", true, w => w.Plant.Leaf(w.Id)),
        new("good, below two intermediates", true, w => w.Line.Leaf(w.Id)),
        new("good, below three intermediates", true, w => w.Line.Intermediate("cell").Leaf(w.Id)),
        new("good, below eight intermediates", true, w => Deep(w.Root, 8).Leaf(w.Id)),
        new("below nine intermediates", false, w => Deep(w.Root, 9).Leaf(w.Id)),
        new("intermediate not sent", false, w => w.Plant.Leaf(w.Id), Alone: true),
        new("second intermediate not sent", false, w => w.Line.Leaf(w.Id), Alone: true),
        new("RSA 2048", true, w => w.Root.Leaf(w.Id, new() { Key = "RSA-2048" })),
        new("RSA 4096", true, w => w.Root.Leaf(w.Id, new() { Key = "RSA-4096" })),
        new("RSA 1024", false, w => w.Root.Leaf(w.Id, new() { Key = "RSA-1024" })),
        new("P-384", true, w => w.Root.Leaf(w.Id, new() { Key = "P-384" })),
        new("P-521", true, w => w.Root.Leaf(w.Id, new() { Key = "P-521" })),
        new("P-256 below an RSA root", true, w => w.RsaRoot.Leaf(w.Id)),
        new("RSA below an RSA root", true, w => w.RsaRoot.Leaf(w.Id, new() { Key = "RSA-2048" })),
        new("below an intermediate of RSA 1024", false, w => w.Root.Intermediate("weak", new() { Key = "RSA-1024" }).Leaf(w.Id)),
        new("signed over SHA-384", true, w => w.Root.Leaf(w.Id, new() { Hash = HashAlgorithmName.SHA384 })),
        new("signed over SHA-1", false, w => w.Root.Leaf(w.Id, new() { Hash = HashAlgorithmName.SHA1 })),
        new("intermediate signed over SHA-1", false,
            w => w.Root.Intermediate("sha1", new() { Hash = HashAlgorithmName.SHA1 }).Leaf(w.Id)),
        new("expired", false, w => w.Root.Leaf(w.Id, s_past)),
        new("not yet valid", false, w => w.Root.Leaf(w.Id, s_future)),
        new("intermediate expired", false, w => w.Root.Intermediate("old", s_past).Leaf(w.Id)),
        new("intermediate not yet valid", false, w => w.Root.Intermediate("new", s_future).Leaf(w.Id)),
        new("outlives its CA", true, w => w.Root.Leaf(w.Id, new() { Until = 10_000 * s_day })),
        new("other common name", false, w => w.Root.Leaf("somebody-else")),
        new("common name in upper case", false, w => w.Root.Leaf(w.Id.ToUpperInvariant())),
        new("common name with a space behind", false, w => w.Root.Leaf("", new() { Subject = $"CN=\"{w.Id} \"" })),
        new("common name is a prefix", false, w => w.Root.Leaf(w.Id[..^1])),
        new("common name is longer", false, w => w.Root.Leaf(w.Id + "0")),
        new("common name of a module", false, w => w.Root.Leaf(w.Id + "/m")),
        new("common name is an address", false, w => w.Root.Leaf($"devices/{w.Id}")),
        new("common name with the host", false, w => w.Root.Leaf($"localhost/devices/{w.Id}")),
        new("no common name, alternative name only", false,
            w => w.Root.Leaf("", new() { Subject = "O=Plant", AlternativeName = w.Id })),
        new("other common name, alternative name right", false,
            w => w.Root.Leaf("somebody-else", new() { AlternativeName = w.Id })),
        new("right common name, other alternative name", true, w => w.Root.Leaf(w.Id, new() { AlternativeName = "elsewhere" })),
        new("two common names, the right one first", false,
            w => w.Root.Leaf("", new() { Subject = $"CN={w.Id}, CN=somebody-else" })),
        new("two common names, the right one last", false,
            w => w.Root.Leaf("", new() { Subject = $"CN=somebody-else, CN={w.Id}" })),
        new("common name and organisation", true, w => w.Root.Leaf("", new() { Subject = $"O=Plant, CN={w.Id}, C=DE" })),
        new("id in the organisation", false, w => w.Root.Leaf("", new() { Subject = $"O={w.Id}, CN=x" })),
        new("for servers only", false, w => w.Root.Leaf(w.Id, new() { ExtendedKeyUsage = [Shape.ServerAuthentication] })),
        new("for clients and servers", true,
            w => w.Root.Leaf(w.Id, new() { ExtendedKeyUsage = [Shape.ServerAuthentication, Shape.ClientAuthentication] })),
        new("for code signing only", false, w => w.Root.Leaf(w.Id, new() { ExtendedKeyUsage = ["1.3.6.1.5.5.7.3.3"] })),
        new("without extended key usage", true, w => w.Root.Leaf(w.Id, new() { ExtendedKeyUsage = [] })),
        new("intermediate for servers only", false,
            w => w.Root.Intermediate("web", new() { ExtendedKeyUsage = [Shape.ServerAuthentication] }).Leaf(w.Id)),
        new("without key usage", true, w => w.Root.Leaf(w.Id, new() { KeyUsage = X509KeyUsageFlags.None })),
        new("for key encipherment only", false,
            w => w.Root.Leaf(w.Id, new() { KeyUsage = X509KeyUsageFlags.KeyEncipherment })),
        new("with an unknown critical extension", false, w => w.Root.Leaf(w.Id, new() { UnknownCritical = true })),
        new("with an address of its issuer", true, w => w.Root.Leaf(w.Id, new() { IssuerAddress = CertificateWorld.Trap })),
        new("intermediate not sent, with its address", false,
            w => w.Plant.Leaf(w.Id, new() { IssuerAddress = CertificateWorld.Trap }), Alone: true),
        new("issued by a device", false, w => w.Root.Leaf("another").Leaf(w.Id)),
        new("issued by a device with the right name", false, w => w.Root.Leaf(w.Id).Leaf(w.Id)),
        new("intermediate without basic constraints", false,
            w => w.Root.Intermediate("v1", new() { NoConstraints = true }).Leaf(w.Id)),
        new("intermediate that may not sign certificates", false,
            w => w.Root.Intermediate("no-sign", new() { KeyUsage = X509KeyUsageFlags.DigitalSignature }).Leaf(w.Id)),
        new("path length 0, kept", true, w => w.Root.Intermediate("short", new() { PathLength = 0 }).Leaf(w.Id)),
        new("path length 0, exceeded", false,
            w => w.Root.Intermediate("short", new() { PathLength = 0 }).Intermediate("below").Leaf(w.Id)),
        new("path length 1, kept", true,
            w => w.Root.Intermediate("short", new() { PathLength = 1 }).Intermediate("below").Leaf(w.Id)),
        new("path length 1, exceeded", false, w => w.Root.Intermediate("short", new() { PathLength = 1 })
            .Intermediate("below").Intermediate("further").Leaf(w.Id)),
        new("path length of the root exceeded", false, w => w.ShortRoot.Intermediate("below").Leaf(w.Id)),
        new("path length of the root kept", true, w => w.ShortRoot.Leaf(w.Id)),
        new("self-signed with the right name", false, w => Issuer.SelfSigned(w.Id)),
        new("a CA of its own with the name of ours", false, w => Issuer.Root("root").Leaf(w.Id)),
        new("below an intermediate of a foreign root", false, w => w.Foreign.Intermediate("plant").Leaf(w.Id)),
        new("of a foreign root", false, w => w.Foreign.Leaf(w.Id)),
        new("of a root that was removed", false, w => w.Removed.Leaf(w.Id)),
        new("of a root that has ended", false, w => w.Ended.Leaf(w.Id)),
        new("below a trusted intermediate of a foreign root", true, w => w.TrustedBelow.Leaf(w.Id)),
        new("below a trusted intermediate, one further", true, w => w.TrustedBelow.Intermediate("line").Leaf(w.Id)),
        new("beside a trusted intermediate", false, w => w.Foreign.Intermediate("trusted below").Leaf(w.Id)),
        new("the CA itself", false, w => w.Root),
    ];

    public static TheoryData<string> CaSigned => [.. s_caSigned.Select(each => each.Name)];

    [Theory]
    [MemberData(nameof(CaSigned))]
    public async Task CaSigned_GetsInOrNot(string name)
    {
        var each = s_caSigned.Single(c => c.Name == name);
        var scene = await world.NewSceneAsync(TlsHub.CaSigned());
        var certificate = each.Make(scene);

        foreach (var door in Enum.GetValues<Door>())
        {
            var letIn = await world.Hub.LetsInAsync(door, certificate, scene.Id, each.Alone);
            Assert.True(each.GetsIn == letIn, $"{door}: {(letIn ? "let in" : "kept out")}\n{world.Hub.LogTail()}");
        }
        Assert.False(world.TrapSprung, "the hub went to an address that a certificate named");
    }

    [Theory]
    [InlineData("good", true)]
    [InlineData("any subject, no common name", true)]
    [InlineData("CA:TRUE, as openssl req makes it", true)]
    [InlineData("for servers only", true)]
    [InlineData("RSA 2048", true)]
    [InlineData("signed by a foreign CA", true)]
    [InlineData("expired", false)]
    [InlineData("not yet valid", false)]
    [InlineData("another with the same name", false)]
    public async Task SelfSigned_GetsInOrNot(string name, bool getsIn)
    {
        var certificate = name switch
        {
            "any subject, no common name" => Issuer.SelfSigned("", new() { Subject = "O=Nobody" }),
            "CA:TRUE, as openssl req makes it" => Issuer.SelfSigned("d", new() { IsAuthority = true }),
            "for servers only" => Issuer.SelfSigned("d", new() { ExtendedKeyUsage = [Shape.ServerAuthentication] }),
            "RSA 2048" => Issuer.SelfSigned("d", new() { Key = "RSA-2048" }),
            "signed by a foreign CA" => Issuer.Root("nobody's").Leaf("d"),
            "expired" => Issuer.SelfSigned("d", s_past),
            "not yet valid" => Issuer.SelfSigned("d", s_future),
            _ => Issuer.SelfSigned("d"),
        };
        var scene = await world.NewSceneAsync(TlsHub.SelfSigned(certificate.Certificate.Thumbprint));
        var shown = name == "another with the same name" ? Issuer.SelfSigned("d") : certificate;

        foreach (var door in Enum.GetValues<Door>())
            Assert.True(getsIn == await world.Hub.LetsInAsync(door, shown, scene.Id), $"{door}\n{world.Hub.LogTail()}");
    }

    [Fact]
    public async Task Thumbprints_Renewed_OldOneEndsAndNewOneOpens()
    {
        var (first, second, third) = (Issuer.SelfSigned("d"), Issuer.SelfSigned("d"), Issuer.SelfSigned("d"));
        var scene = await world.NewSceneAsync(TlsHub.SelfSigned(first.Certificate.Thumbprint, second.Certificate.Thumbprint));
        await AssertAsync(scene, (first, true), (second, true), (third, false));

        await world.Hub.RegisterAsync(
            scene.Id, TlsHub.SelfSigned(third.Certificate.Thumbprint, second.Certificate.Thumbprint), isUpdate: true);

        await AssertAsync(scene, (first, false), (second, true), (third, true));
    }

    [Theory]
    [InlineData("Ed25519")]
    public async Task KeyThatThePlatformMakesByOpensslOnly_IsNoReasonToFail(string algorithm)
    {
        var scene = await world.NewSceneAsync(TlsHub.CaSigned());
        Assert.SkipUnless(OpenSsl.IsThere, "openssl is not installed");
        var files = await OpenSsl.MakeLeafAsync(world.Root, scene.Id, algorithm);

        var (accepted, output) = await OpenSsl.ConnectAsync(world.Hub.Server.Ports.Https, files, TlsHub.AddressOf(scene.Id));

        Assert.True(accepted, output);
    }

    private async Task AssertAsync(Scene scene, params (Issuer Certificate, bool GetsIn)[] expected)
    {
        foreach (var (certificate, getsIn) in expected)
            Assert.Equal(getsIn, await world.Hub.LetsInAsync(Door.Bare, certificate, scene.Id));
    }

    private static Issuer Deep(Issuer root, int count)
    {
        for (var i = 0; i < count; i++)
            root = root.Intermediate($"level {i}");
        return root;
    }

    private sealed record Case(string Name, bool GetsIn, Func<Scene, Issuer> Make, bool Alone = false);
}
