using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Cli.Doctor;

/// <summary>A hub that runs: do its ports answer, is its certificate trusted and valid, is its key accepted?</summary>
internal sealed class HubCheck(HubAddress hub, TimeProvider time)
{
    public const string AmqpsSubject = "AMQPS";

    private const string HttpsSubject = "HTTPS";
    private const int ExpiryDaysLow = 14;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    public async Task<List<Finding>> RunAsync(CancellationToken cancellationToken)
    {
        List<Finding> findings = [];
        foreach (var (name, port) in new[] { (AmqpsSubject, hub.AmqpsPort), (HttpsSubject, hub.HttpsPort) })
        {
            findings.Add(await ShakeHandsAsync(name, port, findings, cancellationToken));
        }
        // Without an answer the key cannot be tried, and that has been said.
        if (findings.Exists(finding => finding is { Subject: HttpsSubject, Level: FindingLevel.Ok }))
            findings.Add(await UseKeyAsync(cancellationToken));
        if (hub.HttpsPort != 443 || hub.AmqpsPort != 5671)
        {
            findings.Add(Finding.Warning(
                "ports",
                $"The hub listens on {hub.AmqpsPort} and {hub.HttpsPort}; most Azure SDKs know only 5671 and 443.",
                "Free those ports, or allow them: sudo sysctl -w net.ipv4.ip_unprivileged_port_start=443"));
        }
        return findings;
    }

    /// <summary>One TLS handshake, as an SDK that looks at the system's store would make it.</summary>
    private async Task<Finding> ShakeHandsAsync(
        string name, int port, List<Finding> findings, CancellationToken cancellationToken)
    {
        var where = $"{hub.HostName}:{port}";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConnectTimeout);
        try
        {
            using var socket = new TcpClient();
            var host = hub.Local is null ? hub.HostName : IPAddress.Loopback.ToString();
            await socket.ConnectAsync(host, port, limit.Token);
            X509Certificate2? shown = null;
            var problems = SslPolicyErrors.None;
            await using var tls = new SslStream(socket.GetStream());
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = hub.HostName,
                    RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                    {
                        // Looked at, not trusted: nothing is sent over this connection.
                        shown = certificate is null
                            ? null
                            : X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
                        problems = errors;
                        return shown is not null;
                    },
                },
                limit.Token);
            // Both ports show the same certificate; it is reported once.
            if (shown is not null && !findings.Any(finding => finding.Subject == "certificate"))
                findings.AddRange(Judge(shown, problems));
            return Finding.Ok(name, $"{where} answers with {tls.SslProtocol}.");
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            return Finding.Problem(
                name, $"{where} does not answer: {e.Message}",
                "Is the hub running, and does a firewall or proxy stand between?");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Finding.Problem(
                name, $"{where} did not answer within {ConnectTimeout.TotalSeconds} s.",
                "Look for a firewall that drops the port.");
        }
    }

    private IEnumerable<Finding> Judge(X509Certificate2 shown, SslPolicyErrors problems)
    {
        const string subject = "certificate";
        var expires = shown.NotAfter.ToUniversalTime();
        var days = (expires - time.GetUtcNow().UtcDateTime).TotalDays;
        var date = expires.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        yield return days < 0
            ? Finding.Problem(
                subject, $"It ran out on {date}.",
                "Renew it, or correct this machine's clock; the hub takes a new file over by itself.")
            : days < ExpiryDaysLow && hub.CaFile is null
                ? Finding.Warning(
                    subject, $"It runs out on {date}.", "Renew it; the hub takes a new file over by itself.")
                : Finding.Ok(subject, $"{shown.Subject}, valid until {date}.");
        if (problems.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            yield return Finding.Problem(
                subject, $"It was not issued for {hub.HostName}.", $"Start the hub with --host {hub.HostName}.");
        }
        yield return problems.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)
            ? Finding.Warning(
                "trust", "This machine does not trust its issuer; SDKs will refuse to connect.",
                "hubbub trust shows the line for each runtime and installs the CA where it may.")
            : Finding.Ok("trust", "This machine trusts its issuer (Node.js looks at NODE_EXTRA_CA_CERTS instead).");
    }

    /// <summary>Asks for one device: proves the key and that both clocks agree well enough for tokens.</summary>
    private async Task<Finding> UseKeyAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var rest = new HubRest(hub);
            await rest.SendAsync(
                HttpMethod.Get, "/devices?top=1", null, null, "A request with the key failed", cancellationToken);
            return Finding.Ok("key", $"{hub.HostName} accepts the key of policy {hub.PolicyName}.");
        }
        catch (CommandFailedException e)
        {
            return Finding.Problem(
                "key", e.Message,
                "If the certificate is well, get the current string with 'hubbub connection-string', "
                + "and compare both machines' clocks.");
        }
    }
}
