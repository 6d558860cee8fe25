using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Cli.Commands;

/// <summary>
/// <c>hubbub trust</c>: lets this machine trust the hub's development CA, and says what the runtimes need that do not
/// look at the system's store.
/// </summary>
internal static class TrustCommand
{
    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Print = new("--print") { Description = "Change nothing; print what to do." };

    /// <summary>Where Linux distributions take further authorities from, and what makes them look.</summary>
    private static readonly (string Directory, string Command)[] Stores =
    [
        ("/usr/local/share/ca-certificates", "update-ca-certificates"),
        ("/etc/pki/ca-trust/source/anchors", "update-ca-trust"),
    ];

    public static Command Create()
    {
        var command = new Command("trust", "Let this machine trust the hub's own CA.") { Data, Print };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var authorityPath = FindAuthority(parsed.GetValue(Data)!);
        using var authority = X509CertificateLoader.LoadCertificateFromFile(authorityPath);
        var fileName = $"hubbub-{authority.Thumbprint[..8].ToLowerInvariant()}.crt";
        var store = Stores.FirstOrDefault(store => Directory.Exists(store.Directory));
        var isInstalled = false;
        if (!parsed.GetValue(Print) && store.Directory is not null && Environment.IsPrivilegedProcess)
        {
            await InstallAsync(store, authorityPath, fileName, cancellationToken);
            Console.Out.WriteLine($"This machine now trusts {authority.Subject[3..]} ({store.Directory}/{fileName}).");
            isInstalled = true;
        }
        PrintLines(authorityPath, isInstalled ? null : SystemLines(store, authorityPath, fileName));
        return ExitCode.Done;
    }

    /// <summary>The CA of the running hub, else the one that an earlier run left in the data directory.</summary>
    private static string FindAuthority(string dataDirectory)
    {
        var own = Path.GetFullPath(Path.Combine(dataDirectory, "tls", "ca.pem"));
        if (File.Exists(own))
            return own;
        return HubAddress.ReadFile(dataDirectory).CaCertificate ?? throw new CommandFailedException(
            $"the hub in '{dataDirectory}' shows an own certificate; there is no development CA to trust.");
    }

    private static async Task InstallAsync(
        (string Directory, string Command) store,
        string authorityPath,
        string fileName,
        CancellationToken cancellationToken)
    {
        try
        {
            var target = Path.Combine(store.Directory, fileName);
            File.Copy(authorityPath, target, overwrite: true);
            using var process = Process.Start(
                new ProcessStartInfo(store.Command) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
                throw new CommandFailedException(
                    $"{store.Command} failed ({process.ExitCode}): {(await error).Trim()}; the CA is in {target}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception)
        {
            throw new CommandFailedException(
                $"the CA was not installed in {store.Directory}: {e.Message}; see 'hubbub trust --print'.", inner: e);
        }
    }

    private static string SystemLines((string? Directory, string? Command) store, string authorityPath, string fileName)
    {
        var file = ShellWord.Quote(authorityPath);
        if (OperatingSystem.IsMacOS())
            return $"sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {file}";
        if (OperatingSystem.IsWindows())
            return $"certutil -addstore -f ROOT \"{authorityPath}\"";
        return store.Directory is null
            ? $"add {file} to the system's certificate authorities"
            : $"sudo cp {file} {store.Directory}/{fileName} && sudo {store.Command}";
    }

    private static void PrintLines(string authorityPath, string? systemLines)
    {
        var file = ShellWord.Quote(authorityPath);
        if (systemLines is not null)
        {
            Console.Out.WriteLine("# The system (.NET, C, curl, most of the rest):");
            Console.Out.WriteLine(systemLines);
        }
        Console.Out.WriteLine("# .NET and OpenSSL, for one process only (it then trusts nothing else):");
        Console.Out.WriteLine($"export SSL_CERT_FILE={file}");
        Console.Out.WriteLine("# Node.js (does not look at the system's store):");
        Console.Out.WriteLine($"export NODE_EXTRA_CA_CERTS={file}");
        Console.Out.WriteLine("# Python (requests and certifi; Azure SDKs also take connection_verify=FILE):");
        Console.Out.WriteLine($"export REQUESTS_CA_BUNDLE={file}");
        Console.Out.WriteLine("# Java:");
        Console.Out.WriteLine(
            $"keytool -importcert -noprompt -cacerts -storepass changeit -alias hubbub -file {file}");
        Console.Out.WriteLine("# Azure IoT SDK for C: pass the file's text as OPTION_TRUSTED_CERT (\"TrustedCerts\")");
        Console.Out.WriteLine("# curl:");
        Console.Out.WriteLine($"curl --cacert {file} https://HOST/healthz");
    }
}
