using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Client.Connections;

/// <summary>Whom a client trusts in TLS, and what it shows of itself.</summary>
internal sealed class TlsTrust : IDisposable
{
    private readonly ServerAddress _address;
    private readonly ClientOptions _options;
    private readonly X509Certificate2Collection? _read;
    private readonly X509ChainPolicy? _policy;

    private TlsTrust(ServerAddress address, ClientOptions options)
    {
        (_address, _options) = (address, options);
        if (!address.UsesTls)
            return;
        var authorities = options.TrustedCertificates;
        if (authorities is null && address.CaFile is { } file)
            authorities = _read = Read(file);
        if (authorities is null)
            return;
        _policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        _policy.CustomTrustStore.AddRange(authorities);
    }

    /// <exception cref="HubbubException">A CA file cannot be read.</exception>
    public static TlsTrust Of(ServerAddress address, ClientOptions options) => new(address, options);

    /// <summary>For one handshake.</summary>
    public SslClientAuthenticationOptions ToOptions()
    {
        var result = new SslClientAuthenticationOptions { TargetHost = _address.TlsHostName };
        if (_policy is not null)
            result.CertificateChainPolicy = _policy;
        if (_options.ClientCertificate is { } certificate)
        {
            result.ClientCertificateContext =
                SslStreamCertificateContext.Create(certificate, _options.ClientCertificateChain, offline: true);
        }
        return result;
    }

    /// <summary>What a failed handshake means.</summary>
    public HubbubException Untrusted(Exception failure) =>
        new(HubbubCondition.Untrusted, Explain(), _address.ToString(), null, failure);

    public void Dispose()
    {
        foreach (var certificate in _read ?? [])
            certificate.Dispose();
    }

    private X509Certificate2Collection Read(string file)
    {
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPemFile(file);
            return certificates;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            var why = $"the CA certificate '{file}' cannot be read: {e.Message}";
            throw new HubbubException(HubbubCondition.Untrusted, why, _address.ToString(), null, e);
        }
    }

    private string Explain()
    {
        if (_policy is null)
        {
            return "the server's certificate is not trusted or is for another name; "
                + "name its CA with CaFile=FILE in the connection string";
        }
        return _read is null
            ? "the server's certificate was not issued by one of TrustedCertificates, or is for another name"
            : $"the server's certificate was not issued by '{_address.CaFile}', or is for another name";
    }
}
