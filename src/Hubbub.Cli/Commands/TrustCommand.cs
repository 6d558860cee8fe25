using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hubbub.Cli.Trust;
using Hubbub.Server.Hosting;

namespace Hubbub.Cli.Commands;

/// <summary>
/// <c>hubbub trust</c>: lets this machine trust the hub's development CA, and says what the runtimes need that do not
/// look at the system's store.
/// </summary>
internal static class TrustCommand
{
    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Remove = new("--remove") { Description = "Trust it no more." };
    private static readonly Option<bool> Print = new("--print") { Description = "Change nothing; print what to do." };

    public static Command Create()
    {
        var command = new Command(
            "trust", "Let this machine trust the hub's own CA: installs it when run as root, else prints what to do.")
        {
            Remove, Print, Data,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var store = OperatingSystem.IsLinux() ? SystemStore.Find() : null;
        var isRemoval = parsed.GetValue(Remove);
        var authorityPath = FindAuthority(parsed.GetValue(Data)!, isRemoval ? store : null);
        using var authority = Load(authorityPath);
        var fileName = $"hubbub-{authority.Thumbprint[..8].ToLowerInvariant()}.crt";
        var lines = new TrustLines(authorityPath, fileName, UrlOf(parsed.GetValue(Data)!));
        var mayChange = !parsed.GetValue(Print) && Environment.IsPrivilegedProcess;
        if (isRemoval)
        {
            var done = mayChange && store is not null
                ? await RemoveAsync(store, authority, fileName, cancellationToken)
                : null;
            Tell(done, parsed, lines.ToRemove(store, authority.Thumbprint), lines.OfRuntimesToRemove());
        }
        else
        {
            var done = mayChange && store is not null
                ? await InstallAsync(store, authority, authorityPath, fileName, cancellationToken)
                : null;
            Tell(done, parsed, lines.ToInstall(store), lines.OfRuntimes());
        }
        return ExitCode.Done;
    }

    private static async Task<string> InstallAsync(
        SystemStore store, X509Certificate2 authority, string authorityPath, string fileName,
        CancellationToken cancellationToken)
    {
        await store.AddAsync(authorityPath, fileName, cancellationToken);
        return $"This machine now trusts {NameOf(authority)} ({store.PathOf(fileName)}).";
    }

    private static async Task<string> RemoveAsync(
        SystemStore store, X509Certificate2 authority, string fileName, CancellationToken cancellationToken) =>
        await store.RemoveAsync(fileName, cancellationToken)
            ? $"This machine trusts {NameOf(authority)} no more ({store.PathOf(fileName)} is removed)."
            : $"This machine did not trust {NameOf(authority)} ({store.PathOf(fileName)} is not there).";

    /// <param name="done">What was done to the system's store; null when it is for the reader to do.</param>
    private static void Tell(string? done, ParseResult parsed, string systemLine, IEnumerable<string> runtimeLines)
    {
        if (done is not null)
        {
            Console.Out.WriteLine(done);
        }
        else
        {
            if (!parsed.GetValue(Print) && OperatingSystem.IsLinux())
                Console.Error.WriteLine("Nothing was changed: that takes root. The first line below does it.");
            Console.Out.WriteLine("# The system (.NET, C, curl, most of the rest):");
            Console.Out.WriteLine(systemLine);
        }
        foreach (var line in runtimeLines)
            Console.Out.WriteLine(line);
    }

    /// <summary>The CA of the running hub, else the one that an earlier run left in the data directory.</summary>
    /// <param name="storeToClean">Named in the refusal when authorities of hubs are in it; null for no store.</param>
    private static string FindAuthority(string dataDirectory, SystemStore? storeToClean)
    {
        var own = Path.GetFullPath(Path.Combine(dataDirectory, "tls", "ca.pem"));
        if (File.Exists(own))
            return own;
        if (storeToClean?.Installed() is { Length: > 0 } installed && HubFile.Read(dataDirectory) is null)
        {
            throw new CommandFailedException(
                $"'{dataDirectory}' holds no CA; of other hubs, this machine trusts {string.Join(", ", installed)}. "
                + $"Remove what you do not know, then run: {string.Join(' ', storeToClean.UpdateAfterRemoval)}");
        }
        return HubAddress.ReadFile(dataDirectory).CaCertificate ?? throw new CommandFailedException(
            $"the hub in '{dataDirectory}' shows an own certificate; there is no development CA to trust.");
    }

    private static X509Certificate2 Load(string authorityPath)
    {
        try
        {
            return X509CertificateLoader.LoadCertificateFromFile(authorityPath);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"the CA '{authorityPath}' cannot be read: {e.Message}", inner: e);
        }
    }

    /// <summary>A page of the hub that runs, or of one on its usual port.</summary>
    private static string UrlOf(string dataDirectory)
    {
        try
        {
            if (HubFile.Read(dataDirectory) is { } hub)
                return new UriBuilder("https", hub.HostName, hub.Ports.Https, "/healthz").Uri.ToString();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Text.Json.JsonException)
        {
            // The line is an example; what is wrong with the hub is for its doctor to say.
        }
        return "https://localhost/healthz";
    }

    /// <summary>The subject without its <c>CN=</c>.</summary>
    private static string NameOf(X509Certificate2 authority) =>
        authority.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
}
