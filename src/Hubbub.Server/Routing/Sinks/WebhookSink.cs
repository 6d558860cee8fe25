using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>Delivers events by signed HTTPS POST. See docs/wire/endpoints.md.</summary>
internal sealed class WebhookSink : IEndpointSink
{
    private readonly string _endpoint;
    private readonly WebhookOptions _options;
    private readonly TimeProvider _time;
    private readonly Uri _uri;
    private readonly HttpMessageInvoker _http;
    private readonly EventJson _json = new();

    public WebhookSink(
        string endpoint,
        WebhookOptions options,
        SinkPolicy policy,
        TimeProvider time,
        Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        (_endpoint, _options, _time) = (endpoint, options, time);
        _uri = new Uri(options.Url);
        var connector = new WebhookConnector(policy, resolve ?? Dns.GetHostAddressesAsync, time);
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = connector.ConnectAsync,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = SinkLimits.ResponseHeaderKilobytesMax,
            MaxResponseDrainSize = SinkLimits.ResponseBytesMax,
            ResponseDrainTimeout = SinkLimits.ResponseDrainTime,
            PooledConnectionLifetime = SinkLimits.ConnectionLifetime,
            ActivityHeadersPropagator = null,
            SslOptions = TlsOptions(options),
        });
    }

    public string? State => null;

    public ValueTask<SinkResult> OpenAsync(string? state, CancellationToken cancellationToken) =>
        ValueTask.FromResult(SinkResult.Done());

    public async ValueTask<SinkResult> DeliverAsync(
        ReadOnlyMemory<StoredEvent> events, string batchId, CancellationToken cancellationToken)
    {
        _json.WriteArray(events.Span);
        using var request = Request(batchId, events.Length);
        using var timeout = new CancellationTokenSource(_options.Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            // Returns at the end of the headers; what follows them is dropped, or cut off when it is much.
            using var response = await _http.SendAsync(request, either.Token);
            return WebhookAnswer.Read(response, events.Length, _time.GetUtcNow());
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            var seconds = _options.Timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture);
            return SinkResult.Retry($"The webhook did not answer within {seconds} s.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // The innermost says what happened: an address refused, a certificate not trusted.
            var cause = e.GetBaseException().Message;
            return SinkResult.Retry(
                e.Message.StartsWith(cause, StringComparison.Ordinal) ? e.Message : $"{e.Message} ({cause})");
        }
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        _json.Dispose();
        return ValueTask.CompletedTask;
    }

    private HttpRequestMessage Request(string batchId, int count)
    {
        var content = new ReadOnlyMemoryContent(_json.Written);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json", "utf-8");
        var seconds = _time.GetUtcNow().ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, _uri) { Content = content };
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Hubbub", Version));
        request.Headers.Add("webhook-id", batchId);
        request.Headers.Add("webhook-timestamp", seconds.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(
            "webhook-signature", WebhookSignature.Compute(_options.Secret, batchId, seconds, _json.Written.Span));
        request.Headers.Add("hubbub-endpoint", _endpoint);
        request.Headers.Add("hubbub-event-count", count.ToString(CultureInfo.InvariantCulture));
        return request;
    }

    private static string Version { get; } = typeof(WebhookSink).Assembly.GetName().Version!.ToString(3);

    private static SslClientAuthenticationOptions TlsOptions(WebhookOptions options)
    {
        if (options.CaCertificates is not { } pem)
            return new SslClientAuthenticationOptions();
        var chain = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        // A text that holds none leaves nothing to trust: every connection fails, and says so.
        if (PemCertificates.TryRead(pem, out var certificates))
            chain.CustomTrustStore.AddRange(certificates);
        return new SslClientAuthenticationOptions { CertificateChainPolicy = chain };
    }
}
