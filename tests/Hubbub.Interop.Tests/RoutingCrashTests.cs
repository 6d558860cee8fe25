using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>A hub that is killed while its endpoints lag delivers all that it has accepted.</summary>
public sealed class RoutingCrashTests
{
    private const int KillCount = 6;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hub_KilledWhileEndpointsLag_DeliversEveryAcceptedEventOnceItCan()
    {
        await using var hub = await HubProcess.StartAsync(Cancellation, "--allow-private-webhooks");
        var devices = await hub.CreateDevicesAsync("lag", 6, Cancellation);
        var port = Workspace.FreePorts(1)[0];
        await hub.RestAsync(HttpMethod.Put, "/hubbub/routing", new
        {
            endpoints = new object[]
            {
                new
                {
                    name = "hook", type = "webhook", url = $"http://127.0.0.1:{port}/in",
                    delivery = new { linger = "10ms", retryDelay = "100ms", retryDelayMax = "500ms" },
                },
                new { name = "archive", type = "files", directory = "archive", delivery = new { linger = "10ms" } },
                new { name = "copy", type = "stream", partitions = 2 },
            },
            routes = new[]
            {
                new { name = "a", endpoint = "hook" }, new { name = "b", endpoint = "archive" }, new { name = "c", endpoint = "copy" },
                new { name = "d", endpoint = "events" },
            },
        }, Cancellation);
        var history = new HistoryChecker();
        var load = new TelemetryLoad(hub, devices, history);
        for (var kill = 0; kill < KillCount; kill++)
        {
            var running = load.RunAsync(Cancellation);
            await history.WhenAcceptedAsync(300 + (kill * 50)).WaitAsync(Limit, Cancellation);
            await hub.KillAsync(Cancellation);
            await running;
            await hub.StartAgainAsync(Cancellation);
        }
        var accepted = history.AcceptedIds.ToHashSet();

        // The web server that was away all the time is back, and fails now and then.
        await using var receiver = new Receiver(port);
        await receiver.WhenReceivedAsync(accepted).WaitAsync(Limit, Cancellation);

        var filed = await FiledAsync(hub, accepted);
        Assert.True(accepted.IsSubsetOf(filed), $"{accepted.Count} accepted, {filed.Count} in files");
        await hub.StopAsync(Cancellation);
    }

    private static async Task<HashSet<string>> FiledAsync(HubProcess hub, HashSet<string> accepted)
    {
        var seen = new HashSet<string>();
        var deadline = DateTimeOffset.UtcNow + Limit;
        while (!accepted.IsSubsetOf(seen) && DateTimeOffset.UtcNow < deadline)
        {
            foreach (var file in Directory.GetFiles(Path.Combine(hub.Data, "files", "archive"), "*", SearchOption.AllDirectories))
            {
                using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
                while (await reader.ReadLineAsync(Cancellation) is { } line)
                {
                    if (line.EndsWith('}'))
                        seen.Add(IdOf(JsonSerializer.Deserialize<JsonElement>(line)));
                }
            }
        }
        return seen;
    }

    private static string IdOf(JsonElement stored) => stored.GetProperty("SystemProperties").Text("messageId")!;

    /// <summary>A web server that refuses one request in four.</summary>
    private sealed class Receiver : IAsyncDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly TaskCompletionSource _changed = new();
        private readonly Task _running;
        private readonly SemaphoreSlim _news = new(0);
        private int _requests;

        public Receiver(int port)
        {
            _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
            _listener.Start();
            _running = RunAsync();
        }

        public ConcurrentDictionary<string, bool> Ids { get; } = new();

        public async Task WhenReceivedAsync(HashSet<string> wanted)
        {
            while (!wanted.All(Ids.ContainsKey))
                await _news.WaitAsync(Cancellation);
        }

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _running;
            _listener.Close();
            _news.Dispose();
        }

        private async Task RunAsync()
        {
            while (_listener.IsListening)
            {
                try
                {
                    var context = await _listener.GetContextAsync();
                    using var body = await JsonDocument.ParseAsync(context.Request.InputStream);
                    var isTaken = ++_requests % 4 != 0;
                    foreach (var stored in isTaken ? body.RootElement.EnumerateArray() : default)
                        Ids[IdOf(stored)] = true;
                    context.Response.StatusCode = isTaken ? 200 : 503;
                    context.Response.Close();
                    _news.Release();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }
            }
        }
    }
}
