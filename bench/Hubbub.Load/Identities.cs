using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Storage.State;

namespace Hubbub.Load;

/// <summary>Measures a hub with very many identities, and prints the table.</summary>
internal static class Identities
{
    private const int PutClients = 32;
    private const int Puts = 20_000;
    private const int LookUps = 500_000;

    public static async Task<int> RunAsync(string hub, string directory, string[] rest)
    {
        var count = rest is ["--count", var text] ? int.Parse(text) : IdentityLimits.DevicesMax;
        Directory.CreateDirectory(directory);
        var data = Path.Combine(directory, "hub");
        var file = Path.Combine(directory, "devices.txt");
        WriteFile(file, count);
        ResultTable.Begin($"{count:N0} identities", "measured", "goal");
        using (var empty = await HubUnderTest.StartAsync(hub, data))
        {
            await ImportAsync(empty, hub, data, file, count);
            File.Delete(file);
        }
        await StartAsync(hub, data);
        using (var full = await HubUnderTest.StartAsync(hub, data))
            await PutAsync(full, count);
        await LookUpAsync(Path.Combine(data, "state"), count);
        await IdentityActivity.RunAsync(hub, data);
        return 0;
    }

    /// <summary>Lines of an export, the ids in no order.</summary>
    private static void WriteFile(string path, int count)
    {
        using var file = new StreamWriter(path);
        for (var i = 0; i < count; i++)
        {
            var (primary, secondary) = (NewKey(), NewKey());
            file.Write($$$"""
                {"id":"{{{IdOf(i)}}}","eTag":"MTIzNDU2Nzg5","status":"enabled",
                "authentication":{"symmetricKey":{"primaryKey":"{{{primary}}}",
                "secondaryKey":"{{{secondary}}}"},
                "x509Thumbprint":{"primaryThumbprint":null,"secondaryThumbprint":null},"type":"sas"},
                "capabilities":{"iotEdge":false}}
                """.ReplaceLineEndings(""));
            file.Write('\n');
        }
    }

    private static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private static async Task ImportAsync(HubUnderTest running, string hub, string data, string file, int count)
    {
        var (watch, before) = (Stopwatch.StartNew(), running.ProcessorTime);
        using var process = Process.Start(new ProcessStartInfo(hub, ["device", "import", file, "--data", data]))!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException("The import failed.");
        var rate = count / watch.Elapsed.TotalSeconds;
        ResultTable.Row("import by `hubbub device import`, ids in no order", $"{rate:N0}/s", ">= 20,000/s", rate >= 20_000);
        var each = (running.ProcessorTime - before).TotalMicroseconds / count;
        ResultTable.Row("import, the hub's processor time", $"{each:N1} us each", "", null);
    }

    private static async Task StartAsync(string hub, string data)
    {
        var starts = new List<(long ReadyMs, double WallMs, double ProcessorMs, long Resident)>();
        for (var round = 0; round < 3; round++)
        {
            using var full = await HubUnderTest.StartAsync(hub, data);
            starts.Add((full.ReadyMs, full.Started.TotalMilliseconds, full.ProcessorTime.TotalMilliseconds, full.ResidentBytes));
        }
        using var empty = await HubUnderTest.StartAsync(hub, data + "-empty");
        var (ready, wall, processor, resident) = starts.Order().ElementAt(1);
        ResultTable.Row("start, as the hub says (`readyMs`)", $"{ready:N0} ms", "<= 3,000 ms", ready <= 3_000);
        ResultTable.Row("start, to the JSON line", $"{wall:N0} ms", "", null);
        ResultTable.Row("start, processor time (empty hub)", $"{processor:N0} ms ({empty.ProcessorTime.TotalMilliseconds:N0} ms)", "", null);
        ResultTable.Row("resident after start (empty hub)", $"{resident / 1e6:N0} MB ({empty.ResidentBytes / 1e6:N0} MB)", "", null);
    }

    private static async Task PutAsync(HubUnderTest hub, int count)
    {
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = PutClients };
        handler.SslOptions.CertificateChainPolicy = hub.TrustItsAuthority();
        using var http = new HttpClient(handler) { BaseAddress = new Uri($"https://localhost:{hub.HttpsPort}") };
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", hub.Token("registryReadWrite"));
        var left = 2_000;
        await RunAsync(); // Connections, and the JIT of both sides.
        left = Puts;
        var watch = Stopwatch.StartNew();
        await RunAsync();
        var rate = Puts / watch.Elapsed.TotalSeconds;
        ResultTable.Row($"`PUT /devices/{{id}}`, durable, {PutClients} HTTPS clients", $"{rate:N0}/s", ">= 1,000/s", rate >= 1_000);

        Task RunAsync() => Task.WhenAll(Enumerable.Range(0, PutClients).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                var id = IdOf(Random.Shared.Next(count));
                using var request = new HttpRequestMessage(HttpMethod.Put, $"/devices/{id}?api-version=2021-04-12");
                request.Headers.TryAddWithoutValidation("If-Match", "\"*\"");
                request.Content = new StringContent($$"""{"deviceId":"{{id}}","status":"enabled"}""", Encoding.UTF8, "application/json");
                using var response = await http.SendAsync(request);
                if (response.StatusCode != HttpStatusCode.OK)
                    throw new InvalidOperationException($"PUT was answered {(int)response.StatusCode}.");
            }
        }));
    }

    private static async Task LookUpAsync(string state, int count)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var store = StateStore.Open(state, TimeProvider.System);
        var native = NativeBytes();
        var watch = ProcessorWatch.Start();
        var registry = await IdentityRegistry.OpenAsync(store, TimeProvider.System, CancellationToken.None);
        var loading = watch.Elapsed.TotalMilliseconds;
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before + NativeBytes() - native) / (double)count;
        ResultTable.Row("memory each (managed and SQLite's)", $"{each:N0} bytes", "<= 600 bytes", each <= 600);
        ResultTable.Row("loading alone, processor time", $"{loading:N0} ms", "", null);

        var host = new HubIdentity(["localhost"], "entity");
        using var policies = new PolicyRegistry(store, HubSettings.Create("bench", TimeProvider.System));
        var authenticator = new Authenticator(host, registry, policies, TimeProvider.System);
        var ids = Enumerable.Range(0, LookUps).Select(_ => IdOf(Random.Shared.Next(count))).ToArray();
        for (var i = 0; i < 20_000; i++)
            _ = registry.FindDevice(ids[i])!.Authentication.Keys;
        watch = ProcessorWatch.Start();
        foreach (var id in ids)
        {
            if (registry.FindDevice(id)!.Authentication.Keys is null)
                throw new InvalidOperationException($"{id} has no keys.");
        }
        var lookUpUs = watch.Elapsed.TotalMicroseconds / ids.Length;
        ResultTable.Row("look-up with decryption of the keys, random ids, processor time", $"{lookUpUs:N2} us", "< 5 us", lookUpUs < 5);
        watch = ProcessorWatch.Start();
        foreach (var id in ids)
        {
            if (registry.GenerationOf(id, null) is null)
                throw new InvalidOperationException($"{id} is not there.");
        }
        ResultTable.Row("look-up without keys", $"{watch.Elapsed.TotalMicroseconds / ids.Length:N2} us", "", null);
        var tokens = ids.Take(50_000).Select(id => TokenOf(registry, id)).ToArray();
        for (var i = 0; i < 5_000; i++)
            authenticator.Verify(tokens[i]);
        watch = ProcessorWatch.Start();
        foreach (var token in tokens)
        {
            if (!authenticator.Verify(token).IsOk)
                throw new InvalidOperationException("A token was refused.");
        }
        ResultTable.Row("a device's token verified, with its HMACs, processor time", $"{watch.Elapsed.TotalMicroseconds / tokens.Length:N2} us", "", null);
        watch = ProcessorWatch.Start();
        registry.ListDevices(1);
        ResultTable.Row("first list (sorts all ids) ", $"{watch.Elapsed.TotalMilliseconds:N0} ms", "", null);
        watch = ProcessorWatch.Start();
        registry.ListDevicesAfter(ids[0], 1_000);
        ResultTable.Row("a page of 1,000", $"{watch.Elapsed.TotalMilliseconds:N2} ms", "", null);
    }

    private static string TokenOf(IdentityRegistry registry, string id)
    {
        var key = Convert.FromBase64String(registry.FindDevice(id)!.Authentication.Keys!.Primary.Reveal());
        var (resource, expiry) = ($"localhost%2Fdevices%2F{id}", DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds());
        var signature = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{resource}\n{expiry}"));
        return $"SharedAccessSignature sr={resource}&sig={Uri.EscapeDataString(Convert.ToBase64String(signature))}&se={expiry}";
    }

    /// <summary>Distinct, of one length, and in no order.</summary>
    private static string IdOf(int i) => $"device-{unchecked((uint)i * 2_654_435_761u):x8}-{i:d7}";

    private static long NativeBytes() => SQLitePCL.raw.sqlite3_memory_used();

    /// <summary>Processor time, which what else the machine does disturbs less than it does the clock.</summary>
    private readonly struct ProcessorWatch
    {
        private readonly TimeSpan _started;

        private ProcessorWatch(TimeSpan started) => _started = started;

        public TimeSpan Elapsed => Environment.CpuUsage.TotalTime - _started;

        public static ProcessorWatch Start() => new(Environment.CpuUsage.TotalTime);
    }
}
