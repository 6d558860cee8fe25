using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>The real <c>hubbub</c> executable on its own data directory: started, stopped, killed, restarted.</summary>
internal sealed class HubProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static int s_count;

    private readonly string[] _arguments;
    private readonly string _log;
    private Process? _process;
    private HttpClient? _http;

    private HubProcess(string data, string[] arguments)
    {
        Data = data;
        _arguments = ["up", "--json", "--data", data, .. arguments];
        _log = Path.Combine(Workspace.Logs, $"hub-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}.log");
    }

    public string Data { get; }

    public HubUp Up { get; private set; } = null!;

    /// <summary>The host name that clients of this hub use, in addresses and in tokens.</summary>
    public string Host => Up.HostName;

    /// <summary>A hub on the ports that Microsoft's SDKs have wired in: 5671, 443 and 5672.</summary>
    public static Task<HubProcess> StartOnStandardPortsAsync(CancellationToken cancellation) =>
        StartAsync([], cancellation);

    /// <summary>A hub on ports that nobody else uses.</summary>
    public static Task<HubProcess> StartAsync(CancellationToken cancellation, params string[] options)
    {
        var ports = Workspace.FreePorts(3);
        return StartAsync(
            ["--amqps-port", $"{ports[0]}", "--https-port", $"{ports[1]}", "--amqp-port", $"{ports[2]}", .. options], cancellation);
    }

    /// <summary>Starts it again on the same data and ports, after a stop or a kill.</summary>
    public async Task StartAgainAsync(CancellationToken cancellation)
    {
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(Workspace.Hubbub, _arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = Data,
            },
        };
        var log = TextWriter.Synchronized(new StreamWriter(_log, append: true) { AutoFlush = true });
        process.ErrorDataReceived += (_, line) => { if (line.Data is not null) log.WriteLine(line.Data); };
        process.Start();
        process.BeginErrorReadLine();
        _process = process;
        var reading = process.StandardOutput.ReadLineAsync(cancellation).AsTask();
        var line = await reading.WaitAsync(StartLimit, cancellation);
        if (line is null) throw new InvalidOperationException($"hubbub ended before it was up:\n{LogTail()}");
        Up = HubUp.Parse(line);
    }

    /// <summary>SIGTERM, and the exit code that it led to.</summary>
    public async Task<int> StopAsync(CancellationToken cancellation)
    {
        var process = _process ?? throw new InvalidOperationException("the hub does not run");
        _ = Posix.Kill(process.Id, Posix.SigTerm);
        await process.WaitForExitAsync(cancellation).WaitAsync(TimeSpan.FromSeconds(20), cancellation);
        return Ended();
    }

    /// <summary>SIGKILL: no clean-up of any kind.</summary>
    public async Task KillAsync(CancellationToken cancellation)
    {
        var process = _process ?? throw new InvalidOperationException("the hub does not run");
        process.Kill();
        await process.WaitForExitAsync(cancellation);
        Ended();
    }

    /// <summary>Sends one request to the hub's REST service as its owner; gives back the answer's body.</summary>
    public async Task<string> SendAsync(
        HttpMethod method, string path, object? body, CancellationToken cancellation, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, $"https://{Host}:{Up.Ports.Https}{path}?api-version=2021-04-12");
        if (body is not null) request.Content = JsonContent.Create(body);
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        var token = SasToken.For(Host, Up.PolicyKey("iothubowner"), "iothubowner");
        request.Headers.Authorization = AuthenticationHeaderValue.Parse(token);
        _http ??= NewHttpClient();
        using var reply = await _http.SendAsync(request, cancellation);
        var text = await reply.Content.ReadAsStringAsync(cancellation);
        Assert.True(reply.IsSuccessStatusCode, $"{method} {path}: {(int)reply.StatusCode} {text}");
        return text;
    }

    /// <summary>Creates or replaces a device that certificates prove: one by its thumbprint, or any from a CA.</summary>
    public Task PutX509DeviceAsync(string id, string? thumbprint, CancellationToken cancellation, bool isUpdate = false)
    {
        object authentication = thumbprint is null
            ? new { type = "certificateAuthority" }
            : new { type = "selfSigned", x509Thumbprint = new { primaryThumbprint = thumbprint } };
        return SendAsync(
            HttpMethod.Put, $"/devices/{id}", new { deviceId = id, authentication }, cancellation, isUpdate ? "\"*\"" : null);
    }

    /// <summary>Creates a device over the hub's REST service, as any back end would.</summary>
    public async Task<TestDevice> CreateDeviceAsync(string id, CancellationToken cancellation)
    {
        var made = await RestAsync(HttpMethod.Put, $"/devices/{Uri.EscapeDataString(id)}", new { deviceId = id }, cancellation);
        return new TestDevice(id, KeyOf(made), made.Text("generationId")!, Host);
    }

    /// <summary>Creates a module of a device, as <see cref="CreateDeviceAsync"/> does devices.</summary>
    /// <returns>The module's key.</returns>
    public async Task<string> CreateModuleAsync(TestDevice device, string id, CancellationToken cancellation) => KeyOf(
        await RestAsync(
            HttpMethod.Put, $"/devices/{Uri.EscapeDataString(device.Id)}/modules/{Uri.EscapeDataString(id)}",
            new { deviceId = device.Id, moduleId = id }, cancellation));

    /// <summary>One request of the REST service as iothubowner; a refusal fails the test.</summary>
    public async Task<JsonElement> RestAsync(
        HttpMethod method, string path, object? body, CancellationToken cancellation, bool ifMatch = false)
    {
        using var request = new HttpRequestMessage(method, $"https://{Host}:{Up.Ports.Https}{path}?api-version=2021-04-12");
        if (body is not null) request.Content = JsonContent.Create(body);
        if (ifMatch) request.Headers.TryAddWithoutValidation("If-Match", "*");
        var token = SasToken.For(Host, Up.PolicyKey("iothubowner"), "iothubowner");
        request.Headers.Authorization = AuthenticationHeaderValue.Parse(token);
        _http ??= NewHttpClient();
        using var reply = await _http.SendAsync(request, cancellation);
        var text = await reply.Content.ReadAsStringAsync(cancellation);
        Assert.True(reply.IsSuccessStatusCode, $"{method} {path}: {(int)reply.StatusCode} {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>Devices <c>prefix-1</c> to <c>prefix-count</c>.</summary>
    public async Task<TestDevice[]> CreateDevicesAsync(string prefix, int count, CancellationToken cancellation)
    {
        var devices = new TestDevice[count];
        for (var index = 0; index < count; index++)
            devices[index] = await CreateDeviceAsync($"{prefix}-{index + 1}", cancellation);
        return devices;
    }

    /// <summary>The id of the running process.</summary>
    public int ProcessId => _process!.Id;

    /// <summary>Everything that the hub has logged.</summary>
    public IEnumerable<string> LogLines() => ReadLog();

    /// <summary>The last lines that the hub logged, for a failure's text.</summary>
    public string LogTail(int lines = 30) => string.Join('\n', File.Exists(_log) ? ReadLog().TakeLast(lines) : []);

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
        _process?.Dispose();
        Directory.Delete(Data, recursive: true);
    }

    /// <summary>The development CA that the hub made on its first start: the one root that its clients trust.</summary>
    public X509Certificate2 CaCertificate() => X509CertificateLoader.LoadCertificateFromFile(Up.CaCertificate);

    private static async Task<HubProcess> StartAsync(string[] arguments, CancellationToken cancellation)
    {
        var hub = new HubProcess(Directory.CreateTempSubdirectory("hubbub-interop-").FullName, arguments);
        try
        {
            await hub.StartAgainAsync(cancellation);
            return hub;
        }
        catch
        {
            await hub.DisposeAsync();
            throw;
        }
    }

    private static string KeyOf(JsonElement identity) => identity.GetProperty("authentication")
        .GetProperty("symmetricKey").Text("primaryKey")!;

    private int Ended()
    {
        var code = _process!.ExitCode;
        _process.Dispose();
        _process = null;
        return code;
    }

    private HttpClient NewHttpClient()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.Add(CaCertificate());
        return new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } });
    }

    private IEnumerable<string> ReadLog()
    {
        using var reader = new StreamReader(new FileStream(_log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (reader.ReadLine() is { } line) yield return line;
    }

    private static class Posix
    {
        public const int SigTerm = 15;

        [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Kill(int process, int signal);
    }
}
