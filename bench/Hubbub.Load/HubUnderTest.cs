using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Hubbub.Load;

/// <summary>A started <c>hubbub up</c> on free ports, stopped by its own process id.</summary>
internal sealed class HubUnderTest : IDisposable
{
    private readonly Process _process;
    private readonly string _hub;
    private readonly string _data;

    private HubUnderTest(Process process, string hub, string data, JsonElement description, TimeSpan started)
    {
        (_process, _hub, _data, Started) = (process, hub, data, started);
        var ports = description.GetProperty("ports");
        AmqpPort = ports.GetProperty("amqp").GetInt32();
        AmqpsPort = ports.GetProperty("amqps").GetInt32();
        HttpsPort = ports.GetProperty("https").GetInt32();
        CaCertificate = description.GetProperty("caCertificate").GetString()!;
        ReadyMs = description.GetProperty("readyMs").GetInt64();
        Entity = Field(description.GetProperty("eventHubs").GetProperty("service").GetString()!, "EntityPath");
        _keys = description.GetProperty("connectionStrings").EnumerateObject()
            .ToDictionary(static p => p.Name, static p => Field(p.Value.GetString()!, "SharedAccessKey"));
    }

    private readonly Dictionary<string, string> _keys;

    public int AmqpPort { get; }

    public int AmqpsPort { get; }

    public int HttpsPort { get; }

    public string Entity { get; }

    public string CaCertificate { get; }

    /// <summary>What the hub itself says.</summary>
    public long ReadyMs { get; }
    /// <summary>A policy's key, base64.</summary>
    public string PolicyKey(string policy) => _keys[policy];

    /// <summary>From the start of the process to its line of JSON.</summary>
    public TimeSpan Started { get; }

    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Processor time that the hub has used.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public int ProcessId => _process.Id;

    public static Task<HubUnderTest> StartAsync(CompareOptions options) => StartAsync(options.Hub, Path.Combine(options.Data, "hub"));

    /// <summary>Starts the hub at <paramref name="hub"/> on a data directory, with further options.</summary>
    public static async Task<HubUnderTest> StartAsync(string hub, string data, params string[] more)
    {
        var watch = Stopwatch.StartNew();
        var start = new ProcessStartInfo(hub) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["up", "--json", "--data", data, "--log-level", "Warning",
            "--amqps-port", FreePort(), "--https-port", FreePort(), "--amqp-port", FreePort(), .. more])
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        process.ErrorDataReceived += static (_, e) =>
        {
            if (e.Data is not null)
                Console.Error.WriteLine($"hub: {e.Data}");
        };
        process.BeginErrorReadLine();
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The hub did not start.");
        using var description = JsonDocument.Parse(line);
        return new HubUnderTest(process, hub, data, description.RootElement.Clone(), watch.Elapsed);
    }

    /// <summary>Registers devices named <c>load0</c> and so on.</summary>
    public async Task CreateDevicesAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var start = new ProcessStartInfo(_hub) { RedirectStandardOutput = true };
            foreach (var argument in (string[])["device", "create", $"load{i}", "--json", "--data", _data])
                start.ArgumentList.Add(argument);
            using var process = Process.Start(start)!;
            await process.WaitForExitAsync();
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"Device load{i} could not be created.");
        }
    }

    /// <summary>A token of a policy for the whole hub.</summary>
    public string Token(string policy)
    {
        var expiry = DateTimeOffset.UtcNow.AddHours(4).ToUnixTimeSeconds();
        var signed = HMACSHA256.HashData(Convert.FromBase64String(_keys[policy]), Encoding.UTF8.GetBytes($"localhost\n{expiry}"));
        return $"SharedAccessSignature sr=localhost&sig={Uri.EscapeDataString(Convert.ToBase64String(signed))}&se={expiry}&skn={policy}";
    }

    /// <summary>For HTTPS clients: the hub's own authority and no other.</summary>
    public X509ChainPolicy TrustItsAuthority()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.ImportFromPemFile(CaCertificate);
        return policy;
    }

    public void Dispose()
    {
        // SIGTERM, so that the hub syncs and leaves its directory clean.
        Process.Start("kill", ["-TERM", _process.Id.ToString()]).WaitForExit();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static string Field(string connectionString, string name) =>
        connectionString.Split(';').First(f => f.StartsWith($"{name}=", StringComparison.Ordinal))[(name.Length + 1)..];

    private static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString();
    }
}
