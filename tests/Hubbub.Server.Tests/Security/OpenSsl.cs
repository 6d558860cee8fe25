using System.ComponentModel;
using System.Diagnostics;

namespace Hubbub.Server.Tests.Security;

/// <summary>The openssl program: makes the keys that .NET cannot make, and is a TLS client of its own.</summary>
internal static class OpenSsl
{
    public static bool IsThere { get; } = LooksForIt();

    /// <summary>A key and a certificate of that common name, signed by an issuer.</summary>
    public static async Task<(string Certificate, string Key)> MakeLeafAsync(Issuer issuer, string name, string algorithm)
    {
        var folder = Directory.CreateTempSubdirectory("hubbub-openssl-").FullName;
        string In(string file) => Path.Combine(folder, file);
        await File.WriteAllTextAsync(In("ca.pem"), issuer.Certificate.ExportCertificatePem());
        using (var key = System.Security.Cryptography.X509Certificates.ECDsaCertificateExtensions
            .GetECDsaPrivateKey(issuer.Certificate)!)
        {
            await File.WriteAllTextAsync(In("ca-key.pem"), key.ExportPkcs8PrivateKeyPem());
        }
        await RunAsync("", "genpkey", "-algorithm", algorithm, "-out", In("key.pem"));
        await RunAsync("", "req", "-new", "-key", In("key.pem"), "-subj", $"/CN={name}", "-out", In("request.pem"));
        await RunAsync(
            "", "x509", "-req", "-in", In("request.pem"), "-CA", In("ca.pem"), "-CAkey", In("ca-key.pem"), "-days", "2",
            "-out", In("leaf.pem"));
        return (In("leaf.pem"), In("key.pem"));
    }

    /// <summary>Sends one HTTPS request; true unless the answer is 401 or there is none.</summary>
    public static async Task<(bool Accepted, string Output)> ConnectAsync(
        int port, (string Certificate, string Key) files, string path)
    {
        var request = $"POST {path}?api-version=2021-04-12 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        var output = await RunAsync(
            request, "s_client", "-connect", $"127.0.0.1:{port}", "-servername", "localhost", "-cert", files.Certificate, "-key",
            files.Key, "-ign_eof", "-quiet");
        return (output.Contains("HTTP/1.1 ", StringComparison.Ordinal) && !output.Contains("HTTP/1.1 401", StringComparison.Ordinal), output);
    }

    private static async Task<string> RunAsync(string input, params string[] arguments)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var process = Process.Start(new ProcessStartInfo("openssl", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var error = process.StandardError.ReadToEndAsync(cancellation);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(cancellation);
        return await output + await error;
    }

    private static bool LooksForIt()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("openssl", "version") { RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
