namespace Hubbub.Cli.Trust;

/// <summary>
/// What a person types to trust a hub's CA, or to end it: a line for the system and for each runtime.
/// </summary>
/// <param name="authorityPath">The CA's certificate, PEM.</param>
/// <param name="fileName">Its name in the system's store.</param>
/// <param name="url">A page of the hub.</param>
internal sealed class TrustLines(string authorityPath, string fileName, string url)
{
    private const string DebianJavaStore = "/etc/ssl/certs/java/cacerts";

    /// <summary>Of the store that most programs look at.</summary>
    public string ToInstall(SystemStore? store)
    {
        var file = ShellWord.Quote(authorityPath);
        if (OperatingSystem.IsMacOS())
            return $"sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {file}";
        if (OperatingSystem.IsWindows())
            return $"certutil -addstore -f ROOT \"{authorityPath}\"";
        return store is null
            ? "# No store of a known kind was found; install the package ca-certificates, then run this again."
            : $"sudo install -m 644 {file} {store.PathOf(fileName)} && sudo {string.Join(' ', store.Update)}";
    }

    /// <summary>The reverse of <see cref="ToInstall"/>.</summary>
    public string ToRemove(SystemStore? store, string thumbprint)
    {
        if (OperatingSystem.IsMacOS())
            return $"sudo security remove-trusted-cert -d {ShellWord.Quote(authorityPath)}";
        if (OperatingSystem.IsWindows())
            return $"certutil -delstore ROOT {thumbprint}";
        return store is null
            ? "# No store of a known kind was found."
            : $"sudo rm {store.PathOf(fileName)} && sudo {string.Join(' ', store.UpdateAfterRemoval)}";
    }

    /// <summary>Of the runtimes that have a store of their own, or may be told by themselves.</summary>
    public IEnumerable<string> OfRuntimes()
    {
        var file = ShellWord.Quote(authorityPath);
        yield return "# .NET and OpenSSL, for one process only (it then trusts nothing else):";
        yield return $"export SSL_CERT_FILE={file}";
        yield return "# Node.js (does not look at the system's store):";
        yield return $"export NODE_EXTRA_CA_CERTS={file}";
        yield return "# Python (requests and certifi; Azure SDKs also take connection_verify=FILE):";
        yield return $"export REQUESTS_CA_BUNDLE={file}";
        yield return "# Java:";
        yield return $"keytool -importcert -noprompt -cacerts -storepass changeit -alias {Alias} -file {file}";
        yield return "# Azure IoT SDK for C: pass the file's text as OPTION_TRUSTED_CERT (\"TrustedCerts\")";
        yield return "# curl:";
        yield return $"curl --cacert {file} {url}";
    }

    /// <summary>The reverse of <see cref="OfRuntimes"/>.</summary>
    public IEnumerable<string> OfRuntimesToRemove()
    {
        yield return "# Java, when the CA was added there:";
        yield return $"keytool -delete -cacerts -storepass changeit -alias {Alias}";
        if (File.Exists(DebianJavaStore))
        {
            yield return "# Java's store of Debian, which keeps what it took from the system's:";
            yield return $"sudo keytool -delete -keystore {DebianJavaStore} -storepass changeit "
                + $"-alias debian:{Alias}.pem";
        }
        yield return "# The others, in a shell that was told:";
        yield return "unset SSL_CERT_FILE NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE";
    }

    /// <summary>Each hub's own, so that two may be trusted.</summary>
    private string Alias => Path.GetFileNameWithoutExtension(fileName);
}
