using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Amqp;
using Amqp.Framing;
using Amqp.Sasl;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// Secrets that can be recognised are put wherever a secret may come, on a hub that logs all it can: into logins that
/// fail and that do not, into fields where they do not belong, through every verb. Then everything that the hub and its
/// verbs wrote, answered or showed is searched for them, in every usual encoding.
/// </summary>
public sealed class CanaryTests : IAsyncLifetime
{
    private readonly List<(string Where, byte[] What)> _written = [];
    private readonly List<string> _secrets = [];
    private HubProcess _hub = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _hub = await HubProcess.StartAsync(CancellationToken.None, "--log-level", "Trace");

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    [Fact]
    public async Task Secrets_PutEverywhere_ComeOutNowhere()
    {
        var (key, other) = (NewKey(), NewKey());
        await _hub.SendAsync(HttpMethod.Put, "/devices/canary", Device(key, other), Cancellation);
        var token = SasToken.For($"{_hub.Host}/devices/canary", key);
        Keep(token);
        var bad = SasToken.For($"{_hub.Host}/devices/canary", NewKey());
        Keep(bad);

        await LogInAsync("canary@sas." + _hub.Host, token, succeeds: true);
        await LogInAsync("canary@sas." + _hub.Host, bad, succeeds: false);
        await LogInAsync("canary@sas." + _hub.Host, NewKey(), succeeds: false);
        await LogInAsync("service", NewKey(), succeeds: false);
        await LogInAsync(bad, "x", succeeds: false);
        await LogInAsync(NewKey(), "x", succeeds: false);
        await LogInAsync($"service@sas.root.{_hub.Host}", SasToken.For(_hub.Host, NewKey(), "service"), succeeds: false);
        await PutTokensAsync(key, bad);
        await AskOverHttpsAsync(bad);
        await RunVerbsAsync();
        await WalkThroughFilesAsync();

        AssertNothingLeaked();
    }

    [Fact]
    public void ProcessLists_OfTheHub_HoldNoSecret()
    {
        if (!OperatingSystem.IsLinux())
            return;
        foreach (var policy in _hub.Up.ConnectionStrings.Keys)
            _secrets.Add(_hub.Up.PolicyKey(policy));
        foreach (var file in (string[])["cmdline", "environ"])
            _written.Add((file, File.ReadAllBytes($"/proc/{_hub.ProcessId}/{file}")));
        AssertNothingLeaked();
    }

    private string NewKey()
    {
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        _secrets.Add(key);
        return key;
    }

    /// <summary>A token's secret is its signature: who has it, has the device until the token ends.</summary>
    private void Keep(string token)
    {
        var signature = token.Split("sig=")[1].Split('&')[0];
        _secrets.Add(Uri.UnescapeDataString(signature));
    }

    private static object Device(string primary, string secondary) => new
    {
        deviceId = "canary",
        authentication = new { type = "sas", symmetricKey = new { primaryKey = primary, secondaryKey = secondary } },
    };

    private async Task LogInAsync(string user, string password, bool succeeds)
    {
        try
        {
            var factory = new ConnectionFactory();
            factory.SSL.RemoteCertificateValidationCallback = (_, certificate, chain, _) => NetLitePeer.Trusts(_hub, certificate, chain);
            var connection = await factory.CreateAsync(
                new Address(_hub.Host, _hub.Up.Ports.Amqps, user, password, "/", "amqps"));
            connection.Closed += (_, error) => Note("close", error?.ToString());
            Assert.True(succeeds, user);
            var session = new Session(connection);
            var secret = SasToken.For(_hub.Host, NewKey());
            Keep(secret);
            foreach (var address in (string[])[$"/devices/canary/messages/events?{secret}", secret, "/devices/nobody/messages/events"])
            {
                var link = new SenderLink(session, $"link {address.Length} {secret}", address);
                link.Closed += (_, error) => Note("detach", error?.ToString());
                await Assert.ThrowsAnyAsync<Exception>(() => link.SendAsync(new Message("x"), TimeSpan.FromSeconds(2)));
            }
            await connection.CloseAsync();
        }
        catch (AmqpException failure)
        {
            Assert.False(succeeds, failure.ToString());
            Note("login", failure.Message);
        }
    }

    private async Task PutTokensAsync(string key, string bad)
    {
        var factory = new ConnectionFactory();
        factory.SSL.RemoteCertificateValidationCallback = (_, certificate, chain, _) => NetLitePeer.Trusts(_hub, certificate, chain);
        factory.SASL.Profile = SaslProfile.Anonymous;
        var connection = await factory.CreateAsync(new Address($"amqps://{_hub.Host}:{_hub.Up.Ports.Amqps}"));
        var session = new Session(connection);
        var sender = new SenderLink(session, "cbs-sender", "$cbs");
        var receiver = new ReceiverLink(session, "cbs-receiver", "$cbs");
        var connectionString = $"HostName={_hub.Host};DeviceId=canary;SharedAccessKey={key}";
        var policyNamed = SasToken.For(_hub.Host, NewKey(), NewKey().Replace("/", "_", StringComparison.Ordinal));
        foreach (var (name, body) in ((string, string)[])
            [(_hub.Host, bad), (bad, bad), (connectionString, connectionString), (_hub.Host, bad + "&sig=" + NewKey()),
             (_hub.Host, $"Bearer {NewKey()}"), (_hub.Host, policyNamed)])
        {
            await sender.SendAsync(new Message(body)
            {
                Properties = new Properties { MessageId = "1" },
                ApplicationProperties = new ApplicationProperties
                {
                    ["operation"] = "put-token",
                    ["type"] = "servicebus.windows.net:sastoken",
                    ["name"] = name,
                },
                BodySection = new AmqpValue { Value = body },
            });
            using var reply = await receiver.ReceiveAsync(TimeSpan.FromSeconds(10));
            receiver.Accept(reply);
            Assert.NotEqual(200, reply.ApplicationProperties["status-code"]);
            Note("$cbs", $"{reply.ApplicationProperties["status-description"]} {reply.ApplicationProperties}");
        }
        await connection.CloseAsync();
    }

    private async Task AskOverHttpsAsync(string bad)
    {
        var owner = SasToken.For(_hub.Host, _hub.Up.PolicyKey("iothubowner"), "iothubowner");
        Keep(owner);
        var body = $"{{\"deviceId\":\"broken\",\"authentication\":{{\"symmetricKey\":{{\"primaryKey\":\"{NewKey()}\"}}";
        var odd = "{\"deviceId\":\"odd\",\"authentication\":{\"type\":\"sas\",\"symmetricKey\":"
            + $"{{\"primaryKey\":\"{NewKey()}x\",\"secondaryKey\":\"{NewKey()}\"}}}}}}";
        string Request(string method, string target, string authorization, string content = "") =>
            $"{method} {target} HTTP/1.1\r\nHost: {_hub.Host}\r\nAuthorization: {authorization}\r\nConnection: close\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(content)}\r\n\r\n{content}";
        foreach (var request in (string[])
            [
                Request("GET", "/devices?api-version=2021-04-12", bad),
                Request("GET", $"/devices/canary?api-version=2021-04-12&sig={Uri.EscapeDataString(NewKey())}", "Bearer " + NewKey()),
                Request("GET", $"/devices/{Uri.EscapeDataString(bad)}?api-version=2021-04-12", owner),
                Request("PUT", "/devices/broken?api-version=2021-04-12", owner, body),
                Request("PUT", "/devices/odd?api-version=2021-04-12", owner, odd),
                Request("PUT", "/hubbub/certificates/x?api-version=2021-04-12", owner, $"{{\"certificate\":\"{NewKey()}\"}}"),
                Request("GET", "/nothing?api-version=1", owner),
                $"GET / HTTP/1.1\r\nHost: {_hub.Host}\r\nAuthorization {bad}\r\n\r\n",
                $"BREW /{bad} HTTP/1.1\r\n\r\n",
            ])
        {
            Note(request.Split('\r')[0].Split(' ')[0], await SendBytesAsync(request));
        }
        Note("metrics", await SendBytesAsync($"GET /metrics HTTP/1.1\r\nHost: {_hub.Host}\r\nConnection: close\r\n\r\n"));
    }

    private async Task<string> SendBytesAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", _hub.Up.Ports.Https, Cancellation);
        await using var tls = new SslStream(client.GetStream(), false, (_, certificate, chain, _) => NetLitePeer.Trusts(_hub, certificate, chain));
        await tls.AuthenticateAsClientAsync("localhost");
        await tls.WriteAsync(Encoding.Latin1.GetBytes(request), Cancellation);
        using var reader = new StreamReader(tls, Encoding.Latin1);
        return await reader.ReadToEndAsync(Cancellation);
    }

    /// <summary>Every verb that is not asked for a key; those that are print it and are not looked at.</summary>
    private async Task RunVerbsAsync()
    {
        var root = TestCertificate.Root("canary root");
        var file = Path.Combine(_hub.Data, "canary-ca.pem");
        await File.WriteAllTextAsync(file, root.Certificate + "\n" + root.Key, Cancellation);
        foreach (var policy in _hub.Up.ConnectionStrings.Keys)
            _secrets.Add(_hub.Up.PolicyKey(policy));
        foreach (var verb in (string[])
            [
                "policy list", "policy list --json", "policy add watcher --rights ServiceConnect", "policy regenerate watcher --key primary",
                "policy remove watcher", "policy remove iothubowner", "policy add watcher --rights Everything",
                $"ca add {file}", "ca list", "ca list --json", $"ca add {file}", "ca remove canary-ca", "ca remove canary-ca",
                "device list", "device disable canary", "device enable canary", "device disable nobody", "send canary hello",
                "consumer-group list", "tail --from start --count 1", "device delete canary",
            ])
        {
            var result = await Cli.RunAsync(_hub, verb.Split(' '));
            Note(verb, result.Output + result.Error);
        }
        File.Delete(file);
        Note("connection string of the environment", await RunWithVariableAsync($"HostName=x;SharedAccessKeyName=;SharedAccessKey={NewKey()}"));
        Note("connection string of the environment", await RunWithVariableAsync($"SharedAccessKey={NewKey()}"));
    }

    private static async Task<string> RunWithVariableAsync(string connectionString)
    {
        var start = new ProcessStartInfo(Workspace.Hubbub, ["device", "list"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HUBBUB_CONNECTION_STRING"] = connectionString;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(Cancellation);
        var error = process.StandardError.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        return await output + await error;
    }

    /// <summary>
    /// The log, and every file of the data directory but the three kinds that are made to hold a secret: the master
    /// key, TLS keys, and hub.json, which gives the policies' keys to the hub's own user.
    /// </summary>
    private async Task WalkThroughFilesAsync()
    {
        foreach (var path in Directory.EnumerateFiles(_hub.Data, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetFileName(path);
            if (name is "hub.json" || name.EndsWith(".key", StringComparison.Ordinal) || name.EndsWith("-key.pem", StringComparison.Ordinal))
            {
                if (!OperatingSystem.IsWindows())
                    Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
                continue;
            }
            if (name == "lock")
                continue;
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            // A segment is as long as it may grow; beyond its head there is nothing.
            var bytes = new byte[Math.Min(file.Length, 4 << 20)];
            await file.ReadExactlyAsync(bytes, Cancellation);
            _written.Add((path, bytes));
        }
        Assert.Equal(0, await _hub.StopAsync(Cancellation));
        var log = string.Join('\n', _hub.LogLines());
        Assert.Contains("canary", log, StringComparison.Ordinal);
        Note("log", log);
        foreach (var path in Directory.EnumerateFiles(_hub.Data, "state.db*", SearchOption.AllDirectories))
            _written.Add((path, await File.ReadAllBytesAsync(path, Cancellation)));
        Assert.Contains(_written, each => each.Where.EndsWith("state.db", StringComparison.Ordinal));
    }

    private void Note(string where, string? text) => _written.Add((where, Encoding.UTF8.GetBytes(text ?? "")));

    private void AssertNothingLeaked()
    {
        var leaks = new List<string>();
        foreach (var secret in _secrets.Distinct())
        {
            foreach (var (encoding, pattern) in Encodings(secret))
            {
                leaks.AddRange(_written.Where(each => each.What.AsSpan().IndexOf(pattern) >= 0)
                    .Select(each => $"{encoding} of secret {_secrets.IndexOf(secret)} in {each.Where}: {Around(each.What, pattern)}"));
            }
        }
        Assert.True(leaks.Count == 0, string.Join('\n', leaks.Take(20)));
    }

    private static string Around(byte[] text, byte[] pattern)
    {
        var at = text.AsSpan().IndexOf(pattern);
        return Encoding.Latin1.GetString(text, Math.Max(0, at - 160), Math.Min(160, at));
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Encodings(string secret)
    {
        var bytes = Convert.FromBase64String(secret);
        yield return ("text", Encoding.UTF8.GetBytes(secret));
        yield return ("escaped text", Encoding.UTF8.GetBytes(Uri.EscapeDataString(secret)));
        yield return ("JSON text", Encoding.UTF8.GetBytes(secret.Replace("+", "\\u002B", StringComparison.Ordinal)));
        yield return ("UTF-16 text", Encoding.Unicode.GetBytes(secret));
        yield return ("bytes", bytes);
        yield return ("hexadecimal", Encoding.UTF8.GetBytes(Convert.ToHexString(bytes)));
        yield return ("lower hexadecimal", Encoding.UTF8.GetBytes(Convert.ToHexStringLower(bytes)));
        yield return ("base64 of text", Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(secret))[..56]));
    }
}
