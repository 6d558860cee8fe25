using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Certificates in PEM form, as an operator gives them for an endpoint.</summary>
public static class PemCertificates
{
    /// <summary>
    /// Reads all certificates of a text; false when it is too long, holds none, or one that cannot be read.
    /// </summary>
    public static bool TryRead(string pem, out X509Certificate2Collection certificates)
    {
        certificates = [];
        if (pem.Length > DispatchLimits.CertificatesLengthMax)
            return false;
        try
        {
            certificates.ImportFromPem(pem);
            return certificates.Count > 0;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
