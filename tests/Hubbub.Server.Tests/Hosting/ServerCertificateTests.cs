using System.Security.Cryptography.X509Certificates;
using Hubbub.Server.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Hosting;

public sealed class ServerCertificateTests : IDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly RecordingLogger _logger = new();

    private int _written;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void File_Renewed_IsShownWithoutRestart()
    {
        WriteOwn("first");
        using var certificate = Open();
        var before = certificate.TlsOptions;
        Assert.Equal("CN=first", SubjectOf(certificate));

        WriteOwn("second");
        _time.Advance(HostingLimits.CertificateCheckInterval);

        Assert.Equal("CN=second", SubjectOf(certificate));
        Assert.NotSame(before, certificate.TlsOptions);
        Assert.Contains(_logger.Lines, line => line.Text.Contains("CN=second", StringComparison.Ordinal));
    }

    [Fact]
    public void File_Untouched_KeepsTheSameTlsOptions()
    {
        WriteOwn("first");
        using var certificate = Open();
        var before = certificate.TlsOptions;

        _time.Advance(HostingLimits.CertificateCheckInterval * 3);
        File.SetLastWriteTimeUtc(_directory["own.pem"], new DateTime(2026, 3, 2, 0, 0, 0, DateTimeKind.Utc));
        _time.Advance(HostingLimits.CertificateCheckInterval);

        Assert.Same(before, certificate.TlsOptions);
    }

    [Fact]
    public void File_Broken_KeepsTheOldOneAndSaysSoOnce()
    {
        WriteOwn("first");
        using var certificate = Open();

        File.WriteAllText(
            _directory["own.pem"], "-----BEGIN CERTIFICATE-----\nnot really\n-----END CERTIFICATE-----\n");
        _time.Advance(HostingLimits.CertificateCheckInterval * 4);

        Assert.Equal("CN=first", SubjectOf(certificate));
        Assert.Single(_logger.Lines, line => line.Level == LogLevel.Error);

        WriteOwn("repaired");
        _time.Advance(HostingLimits.CertificateCheckInterval);
        Assert.Equal("CN=repaired", SubjectOf(certificate));
    }

    [Fact]
    public void File_Expired_KeepsTheOldOne()
    {
        WriteOwn("first");
        using var certificate = Open();

        using var old = TestCertificates.SelfSigned("old", _time.GetUtcNow().AddYears(-2));
        TestCertificates.WritePem(old, _directory["own.pem"], _directory["own-key.pem"]);
        _time.Advance(HostingLimits.CertificateCheckInterval);

        Assert.Equal("CN=first", SubjectOf(certificate));
        Assert.Contains(_logger.Lines, line => line.Level == LogLevel.Error);
    }

    [Fact]
    public void DevelopmentCertificate_HubRunsForAYear_IsRenewed()
    {
        using var certificate = ServerCertificate.Open(
            new HubOptions { DataDirectory = _directory.Path }, _time, _logger);
        var first = certificate.TlsOptions.ServerCertificateContext!.TargetCertificate.Thumbprint;

        _time.AdjustTime(_time.GetUtcNow().AddDays(380));
        _time.Advance(HostingLimits.CertificateCheckInterval);

        var shown = certificate.TlsOptions.ServerCertificateContext!.TargetCertificate;
        Assert.NotEqual(first, shown.Thumbprint);
        Assert.True(shown.NotAfter.ToUniversalTime() > _time.GetUtcNow().UtcDateTime.AddDays(300));
    }

    [Fact]
    public void Pfx_WithPasswordFile_IsLoaded()
    {
        using var own = TestCertificates.SelfSigned("pfx", _time.GetUtcNow());
        File.WriteAllBytes(_directory["own.pfx"], own.Export(X509ContentType.Pkcs12, "s3cret"));
        File.WriteAllText(_directory["password"], "s3cret\n");
        var options = new HubOptions
        {
            DataDirectory = _directory.Path,
            CertificatePath = _directory["own.pfx"],
            CertificatePasswordPath = _directory["password"],
        };

        using var certificate = ServerCertificate.Open(options, _time, _logger);

        Assert.Equal("CN=pfx", SubjectOf(certificate));
    }

    [Fact]
    public void Open_KeyMissing_NamesTheFileAndTheRemedy()
    {
        WriteOwn("first");
        var options = new HubOptions { DataDirectory = _directory.Path, CertificatePath = _directory["own.pem"] };

        var e = Assert.Throws<HubStartException>(() => ServerCertificate.Open(options, _time, _logger));

        Assert.Contains("own.pem", e.Message, StringComparison.Ordinal);
    }

    private ServerCertificate Open() => ServerCertificate.Open(
        new HubOptions
        {
            DataDirectory = _directory.Path,
            CertificatePath = _directory["own.pem"],
            CertificateKeyPath = _directory["own-key.pem"],
        },
        _time,
        _logger);

    private void WriteOwn(string name)
    {
        using var certificate = TestCertificates.SelfSigned(name, _time.GetUtcNow());
        TestCertificates.WritePem(certificate, _directory["own.pem"], _directory["own-key.pem"]);
        // Two files of one size, written within one tick of the file system's clock, would look the same.
        File.SetLastWriteTimeUtc(_directory["own.pem"], new DateTime(2026, 3, 1, 0, 0, ++_written, DateTimeKind.Utc));
    }

    private static string SubjectOf(ServerCertificate certificate) =>
        certificate.TlsOptions.ServerCertificateContext!.TargetCertificate.Subject;
}
