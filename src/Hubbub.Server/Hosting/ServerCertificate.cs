using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Hosting;

/// <summary>
/// The certificate that the listeners show, and the TLS settings around it. Looks at its files from time to time:
/// new connections get a renewed one, old connections keep theirs, and a file that cannot be used changes nothing.
/// </summary>
internal sealed class ServerCertificate : IDisposable
{
    private readonly HubOptions _options;
    private readonly DevelopmentCertificates? _development;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Lock _refreshing = new();
    private FileStamp _stamp;
    private byte[] _contentHash;
    private DateTimeOffset _resumeFrom;
    private volatile SslServerAuthenticationOptions _tlsOptions;

    private ServerCertificate(
        HubOptions options, DevelopmentCertificates? development, TimeProvider time, ILogger logger)
    {
        (_options, _development, _time, _logger) = (options, development, time, logger);
        _stamp = ReadStamp();
        (_tlsOptions, _contentHash) = Load();
        var interval = HostingLimits.CertificateCheckInterval;
        _timer = time.CreateTimer(static self => ((ServerCertificate)self!).Refresh(), this, interval, interval);
    }

    /// <summary>What a TLS handshake that starts now uses. The same object until the certificate changes.</summary>
    public SslServerAuthenticationOptions TlsOptions => _tlsOptions;

    /// <summary>The certificates of those who connect.</summary>
    public PeerCertificates Peers { get; } = new();

    /// <summary>What clients have to trust; null with an own certificate, which they trust already.</summary>
    public string? AuthorityPath => _development?.RootPath;

    private string CertificatePath => _options.CertificatePath ?? _development!.ServerPath;

    private string? KeyPath =>
        _options.CertificatePath is null ? _development!.ServerKeyPath : _options.CertificateKeyPath;

    /// <summary>Makes the development certificates when there is no own one, and loads what is to be shown.</summary>
    /// <exception cref="HubStartException">The certificate cannot be used; the text says why.</exception>
    public static ServerCertificate Open(HubOptions options, TimeProvider time, ILogger logger)
    {
        DevelopmentCertificates? development = null;
        try
        {
            if (options.CertificatePath is null)
            {
                var directory = Path.Combine(options.DataDirectory, "tls");
                development = new DevelopmentCertificates(directory, options.HostNames, time);
                if (development.Ensure())
                    logger.CertificateIssued(string.Join(", ", options.HostNames), development.ServerPath);
            }
            return new ServerCertificate(options, development, time, logger);
        }
        catch (Exception e) when (IsUnusable(e))
        {
            var path = options.CertificatePath ?? Path.Combine(options.DataDirectory, "tls");
            throw new HubStartException(
                $"The certificate of '{path}' cannot be used: {e.Message} "
                + (development is null
                    ? "Give a PEM or PFX file that the hub may read."
                    : "Remove the broken file; the hub makes a new one."),
                e);
        }
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>Takes over changed files; also renews the development certificate of a hub that runs long.</summary>
    internal void Refresh()
    {
        lock (_refreshing)
            RefreshLocked();
    }

    /// <summary>
    /// Lets no session of before be resumed: clients that come again show their whole chain again, which matters when
    /// the hub has come to know another authority since.
    /// </summary>
    public void ForgetSessions()
    {
        lock (_refreshing)
        {
            // The platform keeps one session cache for a certificate, whatever options it is used with; so sessions
            // are not resumed at all until the last of before has ended.
            _resumeFrom = _time.GetUtcNow() + HostingLimits.TlsSessionLife;
            _tlsOptions = MakeTlsOptions(_tlsOptions.ServerCertificateContext!);
        }
    }

    private void RefreshLocked()
    {
        try
        {
            var shownNow = _tlsOptions.ServerCertificateContext!.TargetCertificate;
            if (_development?.Renew(shownNow) == true)
                _logger.CertificateIssued(string.Join(", ", _options.HostNames), _development.ServerPath);
            if (!_tlsOptions.AllowTlsResume && _time.GetUtcNow() >= _resumeFrom)
                _tlsOptions = MakeTlsOptions(_tlsOptions.ServerCertificateContext!);
            var stamp = ReadStamp();
            if (stamp == _stamp)
                return;
            var (tlsOptions, hash) = Load();
            _stamp = stamp;
            if (hash.AsSpan().SequenceEqual(_contentHash))
                return;
            (_tlsOptions, _contentHash) = (tlsOptions, hash);
            var shown = tlsOptions.ServerCertificateContext!.TargetCertificate;
            _logger.CertificateReplaced(shown.Subject, shown.NotAfter.ToUniversalTime());
        }
        catch (Exception e) when (IsUnusable(e))
        {
            var stamp = ReadStamp();
            // Half-written files look the same as broken ones: say it once for each state of the files.
            if (stamp != _stamp)
                _logger.CertificateRefused(CertificatePath, e.Message);
            _stamp = stamp;
        }
    }

    private static bool IsUnusable(Exception e) =>
        e is CryptographicException or IOException or UnauthorizedAccessException or InvalidDataException
            or ArgumentException;

    private (SslServerAuthenticationOptions Options, byte[] Hash) Load()
    {
        var certificateBytes = ReadFile(CertificatePath);
        var keyBytes = KeyPath is { } keyPath ? ReadFile(keyPath) : [];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(certificateBytes);
        hash.AppendData(keyBytes);

        var chain = ReadChain(certificateBytes, keyBytes);
        var leaf = chain[0];
        if (!leaf.HasPrivateKey)
            throw new InvalidDataException("It comes without its private key; name the key's file as well.");
        if (leaf.NotAfter.ToUniversalTime() < _time.GetUtcNow().UtcDateTime)
            throw new InvalidDataException($"It ended on {leaf.NotAfter.ToUniversalTime():yyyy-MM-dd}.");
        chain.RemoveAt(0);
        // Offline: nothing is fetched from the network to complete the chain or to staple a revocation answer.
        var context = SslStreamCertificateContext.Create(leaf, chain, offline: true);
        return (MakeTlsOptions(context), hash.GetHashAndReset());
    }

    private X509Certificate2Collection ReadChain(byte[] certificateBytes, byte[] keyBytes)
    {
        var chain = new X509Certificate2Collection();
        var text = System.Text.Encoding.ASCII.GetString(certificateBytes);
        if (!text.Contains("-----BEGIN ", StringComparison.Ordinal))
        {
            var password = _options.CertificatePasswordPath is { } path ? File.ReadLines(path).FirstOrDefault() : null;
            var all = X509CertificateLoader.LoadPkcs12Collection(certificateBytes, password);
            foreach (var certificate in all.OrderByDescending(certificate => certificate.HasPrivateKey))
                chain.Add(certificate);
            return chain.Count > 0 ? chain : throw new InvalidDataException("It holds no certificate.");
        }
        chain.ImportFromPem(text);
        if (chain.Count == 0)
            throw new InvalidDataException("It holds no certificate.");
        var key = keyBytes.Length > 0 ? System.Text.Encoding.ASCII.GetString(keyBytes) : text;
        var leaf = X509Certificate2.CreateFromPem(text, key);
        // Windows' TLS does not take keys that live in memory only.
        if (OperatingSystem.IsWindows())
            leaf = X509CertificateLoader.LoadPkcs12(leaf.Export(X509ContentType.Pkcs12), null);
        chain[0].Dispose();
        chain[0] = leaf;
        return chain;
    }

    private static byte[] ReadFile(string path)
    {
        if (new FileInfo(path).Length > HostingLimits.CertificateFileBytesMax)
            throw new InvalidDataException($"'{path}' is too large for a certificate.");
        return File.ReadAllBytes(path);
    }

    /// <summary>
    /// One object for all connections of a certificate: the platform keeps its session cache beside it. The cipher
    /// suites are the platform's own; a list of ours would switch that cache off.
    /// </summary>
    private SslServerAuthenticationOptions MakeTlsOptions(SslStreamCertificateContext context) => new()
    {
        ServerCertificateContext = context,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        // Left open, Kestrel writes the protocols of the listener that is used first into this object, for all of them:
        // after an AMQP client, HTTPS would offer the HTTP/2 that it does not speak.
        ApplicationProtocols = [SslApplicationProtocol.Http11],
        AllowRenegotiation = false,
        AllowTlsResume = _time.GetUtcNow() >= _resumeFrom,
        // Requested, and whoever sends none is welcome: whether an identity needed one is decided at its link.
        // TLS proves that the peer holds the certificate's key; whose certificate it is, is decided there too.
        ClientCertificateRequired = true,
#pragma warning disable CA5359 // These are client certificates, of no use before an identity claims them.
        RemoteCertificateValidationCallback = (sender, _, chain, _) => Peers.Keep(sender, chain),
#pragma warning restore CA5359
        // The identity decides what to trust. This policy only sees to it that nothing is fetched meanwhile.
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationFlags = X509VerificationFlags.AllFlags,
            VerificationTimeIgnored = true,
        },
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };

    private FileStamp ReadStamp()
    {
        var certificate = new FileInfo(CertificatePath);
        var key = new FileInfo(KeyPath ?? CertificatePath);
        return new FileStamp(
            certificate.Exists ? certificate.Length : -1, certificate.LastWriteTimeUtc,
            key.Exists ? key.Length : -1, key.LastWriteTimeUtc);
    }

    private readonly record struct FileStamp(
        long CertificateLength, DateTime CertificateTime, long KeyLength, DateTime KeyTime);
}
