using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Cli;

/// <summary>Files with a certificate, PEM or DER. Keys that stand in them are not read.</summary>
internal static class CertificateFile
{
    /// <summary>The one certificate of a file, DER.</summary>
    public static byte[] ReadOne(string file)
    {
        var all = Read(file);
        return all.Count == 1
            ? all[0].RawData
            : throw new CommandFailedException(
                $"'{file}' holds {all.Count} certificates; give a file with the CA's own one.", ExitCode.Usage);
    }

    /// <summary>SHA-256 of the first certificate of a file, which is the holder's own; hexadecimal.</summary>
    public static string ThumbprintOf(string file) => Convert.ToHexString(SHA256.HashData(Read(file)[0].RawData));

    private static X509Certificate2Collection Read(string file)
    {
        try
        {
            var bytes = File.ReadAllBytes(file);
            var all = new X509Certificate2Collection();
            var text = System.Text.Encoding.Latin1.GetString(bytes);
            if (text.Contains("-----BEGIN ", StringComparison.Ordinal))
                all.ImportFromPem(text);
            else
                all.Add(X509CertificateLoader.LoadCertificate(bytes));
            return all.Count > 0 ? all : throw new CryptographicException("it holds no certificate.");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"the certificate '{file}' cannot be read: {e.Message}", inner: e);
        }
    }
}
