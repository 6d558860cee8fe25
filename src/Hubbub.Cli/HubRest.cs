using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Hubbub.Client;

namespace Hubbub.Cli;

/// <summary>Calls of a hub's HTTPS service, Hubbub's or Azure's. A refusal ends the verb with its reason.</summary>
internal sealed class HubRest : IDisposable
{
    private const string ApiVersion = "2021-04-12";
    private static readonly TimeSpan TokenLife = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);

    private readonly HubAddress _hub;
    private readonly HttpClient _http;

    /// <param name="timeout">How long one request may take; null for half a minute.</param>
    public HubRest(HubAddress hub, TimeSpan? timeout = null)
    {
        _hub = hub;
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = hub.Local is null };
        if (hub.CaFile is not null)
            handler.SslOptions.CertificateChainPolicy = TrustOnly(hub.CaFile);
        if (hub.Local is not null)
            handler.ConnectCallback = ConnectLocallyAsync;
        _http = new HttpClient(handler)
        {
            BaseAddress = new UriBuilder("https", hub.HostName, hub.HttpsPort).Uri,
            Timeout = timeout ?? RequestTimeout,
        };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Sends one request and returns the body of a success; null when it has none.</summary>
    /// <param name="json">The body, if any.</param>
    /// <param name="ifMatch">The entity tag, quoted, or "*"; null to send none.</param>
    /// <param name="what">What is being done to which id, for the error text: "device 'x' was not created".</param>
    public async Task<JsonElement?> SendAsync(
        HttpMethod method, string path, string? json, string? ifMatch, string what, CancellationToken cancellationToken)
    {
        var separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        using var request = new HttpRequestMessage(method, $"{path}{separator}api-version={ApiVersion}");
        request.Headers.TryAddWithoutValidation("Authorization", MakeToken());
        // An id that looks escaped is meant as it stands; otherwise '%41' might reach the device 'A'.
        request.Headers.Add("Hubbub-Exact-Ids", "true");
        if (ifMatch is not null)
            request.Headers.IfMatch.Add(EntityTagHeaderValue.Parse(ifMatch));
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            if (!response.IsSuccessStatusCode)
                throw new CommandFailedException($"{what}: {ReasonOf(response, bytes)}");
            return bytes.Length == 0 ? null : JsonDocument.Parse(bytes).RootElement;
        }
        catch (HttpRequestException e)
        {
            throw new CommandFailedException($"{what}: {Explain(e)}", inner: e);
        }
        catch (JsonException e)
        {
            throw new CommandFailedException($"{what}: the answer of {_hub.HostName} is not JSON.", inner: e);
        }
        catch (TaskCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandFailedException(
                $"{what}: {_hub.HostName} did not answer within {RequestTimeout.TotalSeconds} s.", inner: e);
        }
    }

    /// <summary>
    /// Sends one request whose bodies are streams; gives the answer when it is a success, its body unread.
    /// </summary>
    public async Task<HttpResponseMessage> StreamAsync(
        HttpMethod method, string path, HttpContent? content, string what, CancellationToken cancellationToken)
    {
        var separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        using var request =
            new HttpRequestMessage(method, $"{path}{separator}api-version={ApiVersion}") { Content = content };
        request.Headers.TryAddWithoutValidation("Authorization", MakeToken());
        // A refusal is then known before the body is sent.
        request.Headers.ExpectContinue = content is not null;
        try
        {
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
            {
                var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken);
                throw new CommandFailedException($"{what}: {ReasonOf(response, bytes)}");
            }
        }
        catch (HttpRequestException e)
        {
            throw new CommandFailedException($"{what}: {Explain(e)}", inner: e);
        }
    }

    private string Explain(HttpRequestException e)
    {
        var where = $"https://{_hub.HostName}:{_hub.HttpsPort}";
        return e.HttpRequestError switch
        {
            HttpRequestError.SecureConnectionError =>
                $"the certificate of {where} is not trusted; "
                + (_hub.CaFile is null
                    ? $"name its CA with CaFile=FILE in a connection string, in {HubAddress.Variable}."
                    : $"it was not issued by {_hub.CaFile}."),
            HttpRequestError.NameResolutionError => $"the name {_hub.HostName} is not known to this machine.",
            HttpRequestError.ConnectionError => $"{where} does not accept connections; is the hub running?",
            _ => $"{where} failed: {e.Message}",
        };
    }

    /// <summary>The hub's own words where it has some: <c>{"Message":"ErrorCode:DeviceNotFound;x",...}</c>.</summary>
    private static string ReasonOf(HttpResponseMessage response, byte[] body)
    {
        var status = (int)response.StatusCode;
        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("Message", out var message)
                && message.GetString() is { Length: > 0 } text)
            {
                var parts = text.Split(';', 2);
                var code = parts[0].StartsWith("ErrorCode:", StringComparison.Ordinal) ? parts[0][10..] : parts[0];
                return parts.Length == 2 ? $"{code}: {parts[1]} (HTTP {status})" : $"{code} (HTTP {status})";
            }
        }
        catch (JsonException)
        {
            // Proxies and other servers answer in their own formats; the status says enough.
        }
        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized => $"the key was refused (HTTP {status}); get the current connection string.",
            HttpStatusCode.NotFound => $"not found (HTTP {status}).",
            _ => $"HTTP {status} {response.ReasonPhrase}.",
        };
    }

    /// <summary>A service token over the host name, as Azure's own tools make it.</summary>
    private string MakeToken() =>
        SasToken.ForIotHub(_hub.HostName, _hub.Key, _hub.PolicyName, TimeProvider.System.GetUtcNow() + TokenLife).Value;

    private static X509ChainPolicy TrustOnly(string caFile)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(caFile);
            return policy;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"the CA certificate '{caFile}' cannot be read: {e.Message}", inner: e);
        }
    }

    /// <summary>The hub of this machine is reached even where its public name is not known (yet).</summary>
    private async ValueTask<Stream> ConnectLocallyAsync(
        SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellationToken);
            }
            catch (SocketException) when (_hub.HostName != "localhost")
            {
                socket.Dispose();
                socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            }
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
