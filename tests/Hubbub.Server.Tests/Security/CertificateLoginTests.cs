using Hubbub.Amqp.Performatives;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Security;

/// <summary>Devices that prove themselves by certificate, through every door, on real TLS.</summary>
public sealed class CertificateLoginTests(TlsHub hub) : IClassFixture<TlsHub>
{
    public static TheoryData<Door> Doors => [.. Enum.GetValues<Door>()];

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task SelfSigned_RegisteredByThumbprint_GetsIn(Door door)
    {
        var (sha1, sha256, other) = (hub.NewId(), hub.NewId(), hub.NewId());
        var certificate = Issuer.SelfSigned("whatever the subject says");
        await hub.RegisterAsync(sha1, TlsHub.SelfSigned(certificate.Certificate.Thumbprint));
        await hub.RegisterAsync(sha256, TlsHub.SelfSigned(new('A', 64), Sha256Of(certificate).ToLowerInvariant()));
        await hub.RegisterAsync(other, TlsHub.SelfSigned(new('A', 64)));

        Assert.True(await hub.LetsInAsync(door, certificate, sha1));
        Assert.True(await hub.LetsInAsync(door, certificate, sha256));
        Assert.False(await hub.LetsInAsync(door, certificate, other));
        Assert.False(await hub.LetsInAsync(door, Issuer.SelfSigned("whatever the subject says"), sha1));
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task CaSigned_WithTheIdAsCommonName_GetsIn(Door door)
    {
        var (id, other) = (hub.NewId(), hub.NewId());
        var root = Issuer.Root("plant root");
        var line = root.Intermediate("plant").Intermediate("line");
        await hub.AddAuthorityAsync($"root-{id}", root.Certificate);
        foreach (var each in (string[])[id, other])
            await hub.RegisterAsync(each, TlsHub.CaSigned());

        Assert.True(await hub.LetsInAsync(door, root.Leaf(id), id));
        Assert.True(await hub.LetsInAsync(door, line.Leaf(id), id));
        Assert.False(await hub.LetsInAsync(door, line.Leaf(id), other));
        Assert.False(await hub.LetsInAsync(door, Issuer.SelfSigned(id), id));

        await hub.RemoveAuthorityAsync($"root-{id}");
        Assert.False(await hub.LetsInAsync(door, line.Leaf(id), id));
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Module_IsProvenByItsOwnCertificateOnly(Door door)
    {
        var device = hub.NewId();
        var root = Issuer.Root("module root");
        await hub.AddAuthorityAsync($"root-{device}", root.Certificate);
        await hub.RegisterAsync(device, TlsHub.CaSigned());
        await hub.RegisterAsync($"{device}/camera", TlsHub.CaSigned());

        Assert.True(await hub.LetsInAsync(door, root.Leaf($"{device}/camera"), $"{device}/camera"));
        Assert.False(await hub.LetsInAsync(door, root.Leaf(device), $"{device}/camera"));
        Assert.False(await hub.LetsInAsync(door, root.Leaf("camera"), $"{device}/camera"));
        Assert.False(await hub.LetsInAsync(door, root.Leaf($"{device}/camera"), device));
    }

    [Fact]
    public async Task External_WithACertificateOfNobody_IsRefused()
    {
        await using var peer = await hub.ConnectAsync(Door.External, Issuer.SelfSigned("stranger"));
        Assert.Equal(SaslCode.Auth, (await peer.SaslAsync("EXTERNAL")).Code);
    }

    [Fact]
    public async Task Certificate_AndToken_EachOpenTheirOwn()
    {
        var (byCertificate, byKey) = (hub.NewId(), hub.NewId());
        var certificate = Issuer.SelfSigned(byKey);
        await hub.RegisterAsync(byCertificate, TlsHub.SelfSigned(Sha256Of(certificate)));
        await hub.RegisterAsync(byKey, TlsHub.Keys());

        foreach (var door in Enum.GetValues<Door>())
            Assert.False(await hub.LetsInAsync(door, certificate, byKey), $"{door}");
        await using var peer = await hub.ConnectAsync(Door.Bare, certificate);
        var session = await peer.OpenAsync(hostname: TlsHub.Host);
        Assert.NotNull((await session.SenderAsync(TlsHub.AddressOf(byKey))).Refusal);
        Assert.Null((await session.SenderAsync(TlsHub.AddressOf(byCertificate))).Refusal);
    }

    [Fact]
    public async Task ResumedSession_OfBeforeTheCaWasAdded_IsNoObstacle()
    {
        // A client that resumes a TLS session sends its chain no more: .NET does so by itself on the second connection.
        var id = hub.NewId();
        var root = Issuer.Root("late root");
        var leaf = root.Intermediate("late plant").Leaf(id);
        await hub.RegisterAsync(id, TlsHub.CaSigned());
        for (var i = 0; i < 3; i++)
            Assert.False(await hub.LetsInAsync(Door.Bare, leaf, id));

        await hub.AddAuthorityAsync($"late-{id}", root.Certificate);

        for (var i = 0; i < 3; i++)
            Assert.True(await hub.LetsInAsync(Door.Bare, leaf, id), hub.LogTail());
    }

    [Theory]
    [InlineData(false, "204")]
    [InlineData(true, "401")]
    public async Task HttpsEvent_WhoseSenderIsDisabledWhileItComes_IsNotTaken(bool isDisabled, string status)
    {
        var id = hub.NewId();
        var certificate = Issuer.SelfSigned(id);
        await hub.RegisterAsync(id, TlsHub.SelfSigned(Sha256Of(certificate)));
        await using var request = await hub.BeginRequestAsync(certificate, $"POST /devices/{id}/messages/events?api-version=2021-04-12", 4);
        await request.WriteAsync("he"u8.ToArray(), TestContext.Current.CancellationToken);

        if (isDisabled)
            await hub.RegisterAsync(id, TlsHub.SelfSigned(Sha256Of(certificate)), "disabled", isUpdate: true);
        await request.WriteAsync("re"u8.ToArray(), TestContext.Current.CancellationToken);

        using var reader = new StreamReader(request);
        Assert.StartsWith($"HTTP/1.1 {status}", await reader.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static string Sha256Of(Issuer each) =>
        each.Certificate.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256);
}
