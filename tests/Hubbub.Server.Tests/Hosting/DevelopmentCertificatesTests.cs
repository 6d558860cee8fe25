using System.Security.Cryptography.X509Certificates;
using Hubbub.Server.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Hosting;

public sealed class DevelopmentCertificatesTests : IDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Ensure_EmptyDirectory_MakesAChainForAllNames()
    {
        var certificates = Make("hub.example.org", "other.example.org");

        Assert.True(certificates.Ensure());

        using var root = X509Certificate2.CreateFromPem(File.ReadAllText(certificates.RootPath));
        using var server = X509Certificate2.CreateFromPemFile(certificates.ServerPath, certificates.ServerKeyPath);
        using var chain = new X509Chain();
        chain.ChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            VerificationTime = _time.GetUtcNow().UtcDateTime,
        };
        chain.ChainPolicy.CustomTrustStore.Add(root);
        Assert.True(chain.Build(server), string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation)));
        foreach (var name in (string[])["hub.example.org", "other.example.org", "localhost", "127.0.0.1", "::1"])
            Assert.True(server.MatchesHostname(name), name);
        Assert.False(server.MatchesHostname("example.org"));
        Assert.Equal("1.2.840.10045.3.1.7", server.GetECDsaPublicKey()!.ExportParameters(false).Curve.Oid.Value);
        Assert.True(server.NotAfter - server.NotBefore <= TimeSpan.FromDays(397));
        Assert.True(root.NotAfter - root.NotBefore >= TimeSpan.FromDays(3650));
    }

    [Fact]
    public void Ensure_NewFiles_KeysAreForTheOwnerOnly()
    {
        if (OperatingSystem.IsWindows())
            return;
        var certificates = Make("localhost");
        certificates.Ensure();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(certificates.RootKeyPath));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(certificates.ServerKeyPath));
    }

    [Fact]
    public void Ensure_NextStart_KeepsBothCertificates()
    {
        Make("localhost").Ensure();
        var before = Read();
        _time.Advance(TimeSpan.FromDays(300));

        Assert.False(Make("localhost").Ensure());
        Assert.Equal(before, Read());
    }

    [Fact]
    public void Ensure_EndIsNear_RenewsBelowTheSameRoot()
    {
        Make("localhost").Ensure();
        var (root, server) = Read();
        _time.Advance(TimeSpan.FromDays(370));

        Assert.True(Make("localhost").Ensure());
        Assert.Equal(root, Read().Root);
        Assert.NotEqual(server, Read().Server);
    }

    [Fact]
    public void Ensure_HostNamesChanged_RenewsBelowTheSameRoot()
    {
        Make("localhost").Ensure();
        var root = Read().Root;

        Assert.True(Make("localhost", "hub.local").Ensure());
        Assert.Equal(root, Read().Root);
        using var server = X509Certificate2.CreateFromPem(Read().Server);
        Assert.True(server.MatchesHostname("hub.local"));
        Assert.False(Make("HUB.local", "localhost").Ensure());
    }

    [Fact]
    public void Ensure_KeyAndCertificateDoNotMatch_IssuesBothAgain()
    {
        Make("localhost").Ensure();
        File.Copy(_directory["ca-key.pem"], _directory["server-key.pem"], overwrite: true);

        Assert.True(Make("localhost").Ensure());
        using var server = X509Certificate2.CreateFromPemFile(_directory["server.pem"], _directory["server-key.pem"]);
        Assert.True(server.HasPrivateKey);
    }

    private DevelopmentCertificates Make(params string[] hostNames) => new(_directory.Path, hostNames, _time);

    private (string Root, string Server) Read() =>
        (File.ReadAllText(_directory["ca.pem"]), File.ReadAllText(_directory["server.pem"]));
}
