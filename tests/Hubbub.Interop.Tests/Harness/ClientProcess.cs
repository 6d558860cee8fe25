using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>A client script while it runs: it was given one request, and prints one JSON object a line.</summary>
internal sealed class ClientProcess : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    private static readonly TimeSpan RunLimit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Channel<JsonElement> _lines = Channel.CreateUnbounded<JsonElement>();
    private readonly List<JsonElement> _seen = [];
    private readonly Task _reading;
    private readonly Task<string> _errors;
    private readonly DateTimeOffset _deadline;

    private ClientProcess(Process process)
    {
        _process = process;
        _deadline = DateTimeOffset.UtcNow + RunLimit;
        _reading = ReadLinesAsync();
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Runs a script to its end and gives back every line that it printed.</summary>
    public static async Task<ClientOutput> RunAsync(ClientScript script, HubProcess hub, object request)
    {
        await using var client = await StartAsync(script, hub, request);
        return await client.EndAsync();
    }

    /// <summary>Starts a script, skipping the test when this machine has not got what the script needs.</summary>
    public static async Task<ClientProcess> StartAsync(ClientScript script, HubProcess hub, object request)
    {
        script.SkipUnlessInstalled();
        var start = new ProcessStartInfo(script.Interpreter, [script.Path])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["NODE_EXTRA_CA_CERTS"] = hub.Up.CaCertificate;
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        var client = new ClientProcess(Process.Start(start)!);
        await client.TellAsync(request);
        return client;
    }

    /// <summary>Writes one line to the script's standard input.</summary>
    public async Task TellAsync(object message)
    {
        await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(message, Options));
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>The next line whose event is <paramref name="name"/>; the lines before it count as seen.</summary>
    public async Task<JsonElement> WaitForAsync(string name)
    {
        using var limit = Limit();
        await foreach (var line in _lines.Reader.ReadAllAsync(limit.Token))
        {
            _seen.Add(line);
            if (line.Event() == name) return line;
        }
        throw new InvalidOperationException($"the client ended without \"{name}\": {await DescribeAsync()}");
    }

    /// <summary>Waits for the script's own end; a script that broke fails the test with its standard error.</summary>
    public async Task<ClientOutput> EndAsync()
    {
        try
        {
            using var limit = Limit();
            await foreach (var line in _lines.Reader.ReadAllAsync(limit.Token)) _seen.Add(line);
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            _process.Kill(entireProcessTree: true);
            Assert.Fail($"the client did not end in time: {await DescribeAsync()}");
        }
        if (_process.ExitCode != 0)
            Assert.Fail($"the client broke with exit code {_process.ExitCode}: {await DescribeAsync()}");
        var output = new ClientOutput(_seen, await _errors);
        TestContext.Current.TestOutputHelper?.WriteLine(output.ToString());
        return output;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading;
        await _errors;
        _process.Dispose();
    }

    private CancellationTokenSource Limit()
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var left = _deadline - DateTimeOffset.UtcNow;
        limit.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        return limit;
    }

    private async Task ReadLinesAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            // A library may print what it likes; only objects are the script's own words.
            if (line.StartsWith('{')) _lines.Writer.TryWrite(JsonSerializer.Deserialize<JsonElement>(line));
        }
        _lines.Writer.TryComplete();
    }

    private async Task<string> DescribeAsync()
    {
        await _reading;
        while (_lines.Reader.TryRead(out var line)) _seen.Add(line);
        return new ClientOutput(_seen, await _errors).ToString();
    }
}
