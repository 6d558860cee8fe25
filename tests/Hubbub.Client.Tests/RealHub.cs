using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Hubbub.Server.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hubbub.Client.Tests;

/// <summary>A whole hub in this process, on free ports, in a directory of its own.</summary>
internal sealed class RealHub : IAsyncDisposable
{
    private readonly DirectoryInfo _directory;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _restarting = new(1);
    private HubServer _server;
    private readonly HttpClient _http;

    private RealHub(DirectoryInfo directory, HubServer server, TimeProvider time)
    {
        (_directory, _server, _time) = (directory, server, time);
        var trust = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        trust.CustomTrustStore.ImportFromPemFile(server.Description.CaCertificate!);
        _http = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = trust } })
        {
            BaseAddress = new Uri($"https://localhost:{server.Ports.Https}"),
        };
    }

    /// <summary>The port of plain AMQP on loopback.</summary>
    public int PlainPort => _server.Ports.Amqp;

    public int AmqpsPort => _server.Ports.Amqps;

    public int HttpsPort => _server.Ports.Https;

    public string CaFile => _server.Description.CaCertificate!;

    /// <summary>How the hub is reached, as parts of a connection string.</summary>
    public string Reach => $"AmqpsPort={AmqpsPort};HttpsPort={HttpsPort};CaFile={CaFile}";

    public static async Task<RealHub> StartAsync(TimeProvider? time = null)
    {
        var directory = Directory.CreateTempSubdirectory("hubbub-client-test-");
        var options = new HubOptions { DataDirectory = directory.FullName, AmqpsPort = 0, HttpsPort = 0, AmqpPort = 0 };
        time ??= TimeProvider.System;
        var server = await HubServer.StartAsync(options, time, NullLoggerFactory.Instance, Some.Patience);
        return new RealHub(directory, server, time);
    }

    /// <summary>Stops the hub, does something, and starts it again on its ports and its data. One at a time.</summary>
    public async Task RestartAsync(Func<Task>? meanwhile = null)
    {
        await _restarting.WaitAsync(Some.Patience);
        try
        {
            var options = _server.Options with
            {
                AmqpsPort = _server.Ports.Amqps,
                HttpsPort = _server.Ports.Https,
                AmqpPort = _server.Ports.Amqp,
            };
            await _server.DisposeAsync();
            if (meanwhile is not null)
                await meanwhile();
            _server = await HubServer.StartAsync(options, _time, NullLoggerFactory.Instance, Some.Patience);
        }
        finally
        {
            _restarting.Release();
        }
    }

    /// <summary>Creates a device and returns the string that it connects with.</summary>
    /// <param name="id">The device's id.</param>
    /// <param name="thumbprint">Of the certificate that proves it; null for a key.</param>
    public async Task<string> CreateDeviceAsync(string id, string? thumbprint = null)
    {
        var owner = ConnectionString.Parse(ConnectionStringOf("iothubowner"));
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/devices/{id}?api-version=2021-04-12")
        {
            Content = JsonContent.Create(new Dictionary<string, object>
            {
                ["deviceId"] = id,
                ["status"] = "enabled",
                ["authentication"] = thumbprint is null
                    ? new { type = "sas" }
                    : new { type = "selfSigned", x509Thumbprint = new { primaryThumbprint = thumbprint } },
            }),
        };
        request.Headers.TryAddWithoutValidation("Authorization", OwnerToken().Value);
        using var response = await _http.SendAsync(request, Some.Patience);
        response.EnsureSuccessStatusCode();
        if (thumbprint is not null)
            return $"HostName={owner.HostName};DeviceId={id};x509=true;{Reach}";
        using var device = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Some.Patience));
        var keys = device.RootElement.GetProperty("authentication").GetProperty("symmetricKey");
        var key = keys.GetProperty("primaryKey").GetString();
        return $"HostName={owner.HostName};DeviceId={id};SharedAccessKey={key};{Reach}";
    }

    /// <summary>Makes a consumer group of the built-in events.</summary>
    public async Task CreateConsumerGroupAsync(string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/hubbub/consumer-groups/{name}?api-version=2021-04-12");
        request.Headers.TryAddWithoutValidation("Authorization", OwnerToken().Value);
        using var response = await _http.SendAsync(request, Some.Patience);
        response.EnsureSuccessStatusCode();
    }

    public string ConnectionStringOf(string policy) => $"{_server.Description.ConnectionStrings[policy]};{Reach}";

    /// <summary>Plain AMQP on loopback, as the Event Hubs SDKs do it.</summary>
    public string EmulatorString()
    {
        var events = ConnectionString.Parse(_server.Description.EventHubs["service"]);
        return $"Endpoint=sb://localhost:{_server.Ports.Amqp};SharedAccessKeyName={events.PolicyName};"
            + $"SharedAccessKey={events.SharedAccessKey};EntityPath={events.EntityPath};UseDevelopmentEmulator=true";
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private SasToken OwnerToken()
    {
        var owner = ConnectionString.Parse(ConnectionStringOf("iothubowner"));
        return SasToken.ForIotHub(
            owner.HostName, owner.SharedAccessKey!, owner.PolicyName, TimeProvider.System.GetUtcNow().AddMinutes(5));
    }
}
