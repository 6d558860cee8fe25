using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hubbub.Core.Commands;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Hosting;
using Hubbub.Server.Http;
using Hubbub.Server.Routing;
using Hubbub.Server.Tests.Amqp.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Http;

/// <summary>The HTTPS service on a real Kestrel (without TLS, on loopback) over a real store.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    public const string HostName = "factory.example.org";

    private readonly string _directory;
    private readonly HttpClient _http = new();
    private readonly WebApplication _application;
    private readonly HubMetrics _metrics;

    private ApiHost(
        HubCore core, HubRouting routing, HubMetrics metrics, FakeTimeProvider time, string directory, LogLines log)
    {
        (Core, Routing, _metrics, Time, _directory, Log) = (core, routing, metrics, time, directory, log);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddLogging();
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _application = builder.Build();
        Api = new HubApi(core.ToApi(routing, metrics, time, log));
        _application.Run(Api.InvokeAsync);
    }

    public HubCore Core { get; }

    public HubRouting Routing { get; }

    public HubApi Api { get; }

    public HubSettings Settings => Core.Settings;

    public IdentityRegistry Registry => Core.Registry;

    public CommandQueues Commands => Core.Commands;

    public DevicePresence Presence => Core.Presence;

    public FakeTimeProvider Time { get; }

    public LogLines Log { get; }

    private string Address => _application.Services.GetRequiredService<IServer>().Features
        .Get<IServerAddressesFeature>()!.Addresses.Single();

    public static async Task<ApiHost> StartAsync()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var directory = Directory.CreateTempSubdirectory("hubbub-http-").FullName;
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        var log = new LogLines();
        var options = new HubOptions { DataDirectory = directory, HostNames = [HostName] };
        var metrics = new HubMetrics();
        var core = await HubCore.OpenAsync(options, time, log, cancellation);
        var routing = await core.OpenRoutingAsync(options.ToRouting(), metrics, time, log, cancellation);
        var host = new ApiHost(core, routing, metrics, time, directory, log);
        await host._application.StartAsync(cancellation);
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _application.DisposeAsync();
        await Routing.DisposeAsync();
        await Core.DisposeAsync();
        _metrics.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    public string Token(string policy = AccessPolicies.Owner, string resource = HostName, int lifeSeconds = 3600) =>
        Token(Settings.Policies.Find(policy)!.Keys.Primary, resource, policy, lifeSeconds);

    public string Token(SymmetricKey key, string resource, string? policy = null, int lifeSeconds = 3600)
    {
        var sr = WebUtility.UrlEncode(resource);
        var se = Time.GetUtcNow().ToUnixTimeSeconds() + lifeSeconds;
        var sig = HMACSHA256.HashData(Convert.FromBase64String(key.Reveal()), Encoding.UTF8.GetBytes($"{sr}\n{se}"));
        return $"SharedAccessSignature sr={sr}&sig={WebUtility.UrlEncode(Convert.ToBase64String(sig))}&se={se}"
            + (policy is null ? "" : $"&skn={policy}");
    }

    /// <summary>Sends the path as it is: nothing unescapes or normalises it on the way.</summary>
    public Task<Answer> SendAsync(
        string method, string path, string? body = null, string? ifMatch = null, string? token = null)
    {
        var separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        return SendRawAsync(method, $"{path}{separator}api-version=2021-04-12", body, ifMatch, token ?? Token());
    }

    public async Task<Answer> SendRawAsync(string method, string target, string? body, string? ifMatch, string? token)
    {
        using var request = Request(method, target, body, token);
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.ReadAsync(response);
    }

    /// <summary>For those who want to see every header of the answer, or send some of their own.</summary>
    public async Task<HttpResponseMessage> SendForResponseAsync(
        string method, string target, string? body = null, string? token = null,
        params (string Name, string Value)[] headers)
    {
        using var request = Request(method, target, body, token ?? Token());
        foreach (var (name, value) in headers)
        {
            if (name.StartsWith("Content-", StringComparison.Ordinal))
            {
                request.Content!.Headers.Remove(name);
                request.Content.Headers.TryAddWithoutValidation(name, value);
            }
            else
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }
        return await _http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private HttpRequestMessage Request(string method, string target, string? body, string? token)
    {
        var uri = new Uri(Address + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(new HttpMethod(method), uri);
        if (token is not null)
            request.Headers.TryAddWithoutValidation("Authorization", token);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return request;
    }

    /// <summary>Sends bytes over a bare socket and returns the status line of the answer.</summary>
    public async Task<string> SendBytesAsync(string request)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(Address).Port, cancellation);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), cancellation);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return await reader.ReadLineAsync(cancellation) ?? "";
    }
}

/// <summary>What came back, with the body read.</summary>
internal sealed record Answer(int Status, string Body, string? ContentType, string? ETag, string? ErrorCode)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    /// <summary>The text behind the code of the error body.</summary>
    public string ErrorText => Json.GetProperty("Message").GetString()!.Split(';', 2)[1];

    public string Text(params string[] path) =>
        path.Aggregate(Json, (element, name) => element.GetProperty(name)).ToString();

    public static async Task<Answer> ReadAsync(HttpResponseMessage response) => new(
        (int)response.StatusCode,
        await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
        response.Content.Headers.ContentType?.ToString(),
        response.Headers.TryGetValues("ETag", out var etags) ? etags.Single() : null,
        response.Headers.TryGetValues("iothub-errorcode", out var codes) ? codes.Single() : null);
}

/// <summary>Keeps what was logged.</summary>
internal sealed class LogLines : ILogger
{
    private readonly Signal _changed = new();

    public List<string> Lines { get; } = [];

    /// <summary>Waits for a line with this text.</summary>
    public Task<string> WhenLoggedAsync(string text) => _changed.UntilAsync(
        () =>
        {
            lock (Lines)
                return Lines.FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal));
        },
        () => $"a log line with {text}");

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (Lines)
            Lines.Add(formatter(state, exception));
        _changed.Set();
    }
}
