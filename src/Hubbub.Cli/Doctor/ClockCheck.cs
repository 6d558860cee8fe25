using System.Globalization;
using System.Net;

namespace Hubbub.Cli.Doctor;

/// <summary>
/// Do this machine's clock and the hub's agree? Tokens carry an expiry, so they have to within five minutes.
/// </summary>
internal static class ClockCheck
{
    private const string Subject = "clock";
    private static readonly TimeSpan SkewMax = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(5);

    public static async Task<Finding?> RunAsync(HubAddress hub, TimeProvider time, CancellationToken cancellationToken)
    {
        // One clock for both.
        if (hub.Local is not null)
            return null;
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        // Only the answer's date is looked at, and it decides nothing.
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        using var http = new HttpClient(handler) { Timeout = RequestTimeout };
        try
        {
            var url = new UriBuilder("https", hub.HostName, hub.HttpsPort, "/healthz").Uri;
            using var answer = await http.GetAsync(url, cancellationToken);
            if (answer.Headers.Date is not { } there)
                return Finding.Warning(
                    Subject, $"{hub.HostName} does not tell its time.", "Compare the clocks by hand.");
            var skew = time.GetUtcNow() - there;
            var text =
                $"This machine is {Seconds(skew)} {(skew < TimeSpan.Zero ? "behind" : "ahead of")} {hub.HostName}.";
            return skew.Duration() > SkewMax
                ? Finding.Problem(
                    Subject, text, "Synchronise both with NTP; tokens seem expired or too far ahead otherwise.")
                : Finding.Ok(Subject, text);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Finding.Warning(
                Subject, $"{hub.HostName} cannot be asked for its time.", "Compare the clocks by hand.");
        }
    }

    private static string Seconds(TimeSpan skew) =>
        Math.Abs(skew.TotalSeconds).ToString("0", CultureInfo.InvariantCulture) + " s";
}
