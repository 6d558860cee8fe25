using System.Security.Cryptography.X509Certificates;
using Hubbub.Core.Events;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Amqp;
using Hubbub.Server.Hosting;
using Hubbub.Server.Routing;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>
/// The hub's AMQP endpoints over a real store and log in a directory of their own, with a clock that the test moves,
/// and connections in memory.
/// </summary>
internal sealed class TestHub : IAsyncDisposable
{
    public const string Host = "hub1.example.net";
    public const int AmqpsPort = 5671;
    private readonly string _directory;
    private readonly HubRouting? _routing;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<RawPeer> _peers = [];
    private int _nextConnection;

    private TestHub(
        string directory, HubCore core, FakeTimeProvider time, RecordingLog log, EventEntity events, HubMetrics metrics,
        HubRouting? routing)
    {
        (_directory, Core, Time, Log, Events, Metrics) = (directory, core, time, log, events, metrics);
        _routing = routing;
        Listener = new AmqpListener(new AmqpServices
        {
            Hub = core.Hub,
            Registry = core.Registry,
            Authenticator = core.Authenticator,
            Policies = core.Policies,
            Authorities = core.Authorities,
            Failures = core.Failures,
            Events = events,
            Entities = routing?.Entities ?? new EventEntities(events),
            Router = Router = routing?.Router ?? TelemetryRouter.To(events.Log, metrics),
            Presence = core.Presence,
            Commands = core.Commands,
            CommandDelivery = core.Commands,
            Metrics = Metrics,
            Time = time,
            Logger = log,
            AmqpsPort = AmqpsPort,
        });
    }

    public HubCore Core { get; }

    public FakeTimeProvider Time { get; }

    public RecordingLog Log { get; }

    public EventEntity Events { get; }

    public HubMetrics Metrics { get; }

    /// <summary>Routes and endpoints; a hub over a wrapped log has none.</summary>
    public HubRouting Routing => _routing!;

    /// <summary>Where telemetry goes.</summary>
    public TelemetryRouter Router { get; }

    public AmqpListener Listener { get; }

    public string Entity => Core.Hub.EntityName;

    /// <param name="partitions">Partitions of the events entity.</param>
    /// <param name="wrap">Puts something between the endpoints and the log, where a fault must be had.</param>
    public static async Task<TestHub> StartAsync(int partitions = 4, Func<IEventLog, IEventLog>? wrap = null)
    {
        var directory = Directory.CreateTempSubdirectory("hubbub-amqp-").FullName;
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 10, 0, 0, TimeSpan.Zero));
        var log = new RecordingLog();
        var options = new HubOptions { DataDirectory = directory, HostNames = [Host], Partitions = partitions };
        var metrics = new HubMetrics();
        var core = await HubCore.OpenAsync(options, time, log, TestContext.Current.CancellationToken);
        var events = wrap is null
            ? core.Events
            : new EventEntity(core.Hub.EntityName, wrap(core.Events.Log), core.Groups);
        var routing = wrap is null
            ? await core.OpenRoutingAsync(options.ToRouting(), metrics, time, log, TestContext.Current.CancellationToken)
            : null;
        return new TestHub(directory, core, time, log, events, metrics, routing);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var peer in _peers)
                await peer.DisposeAsync();
            Listener.Dispose();
            if (_routing is not null)
                await _routing.DisposeAsync();
            await Core.DisposeAsync();
            Metrics.Dispose();
            _stopping.Dispose();
        }
        finally
        {
            // Also of a hub that hangs: its segments take a quarter of a gibibyte.
            Directory.Delete(_directory, recursive: true);
        }
    }

    /// <summary>Has the listener close every connection, as a stop of the hub does.</summary>
    public Task StopAsync() => _stopping.CancelAsync();

    /// <summary>A connection on which nothing has been sent.</summary>
    /// <param name="toPeerBytesMax">Bytes that the hub may have under way while the peer does not read.</param>
    /// <param name="remote">Where the peer is; null for nowhere that counts.</param>
    /// <param name="certificate">The client certificate that TLS has seen.</param>
    public RawPeer Connect(
        int toPeerBytesMax = 256 * 1024, System.Net.EndPoint? remote = null, X509Certificate2? certificate = null)
    {
        var (hubEnd, peerEnd) = DuplexPipe.CreatePair(toPeerBytesMax);
        var id = $"c{++_nextConnection}";
        var description = new AmqpPeer(
            id, remote, IsSecure: true, TlsServerName: Host,
            ClientCertificate: certificate is null ? null : ClientCertificate.Of(certificate), Transport: "memory");
        var running = Task.Run(() => Listener.RunAsync(hubEnd, description, _stopping.Token));
        var peer = new RawPeer(peerEnd, running, id);
        _peers.Add(peer);
        return peer;
    }

    public async Task<DeviceIdentity> CreateDeviceAsync(string deviceId) =>
        (await Core.Registry.CreateDeviceAsync(
            new DeviceDescription { DeviceId = deviceId }, TestContext.Current.CancellationToken)).Value;

    public async Task<ModuleIdentity> CreateModuleAsync(string deviceId, string moduleId) =>
        (await Core.Registry.CreateModuleAsync(
            new ModuleDescription { DeviceId = deviceId, ModuleId = moduleId }, TestContext.Current.CancellationToken)).Value;

    public AccessPolicy Policy(string name) => Core.Settings.Policies.Find(name)!;

    /// <summary>A device's own token.</summary>
    public string DeviceToken(string deviceId, TimeSpan? life = null) =>
        Tokens.Sign($"{Host}/devices/{deviceId}", Core.Registry.FindDevice(deviceId)!.Authentication.Keys!.Primary, Ends(life));

    public string ModuleToken(string deviceId, string moduleId, TimeSpan? life = null) => Tokens.Sign(
        $"{Host}/devices/{deviceId}/modules/{moduleId}",
        Core.Registry.FindModule(deviceId, moduleId)!.Authentication.Keys!.Primary,
        Ends(life));

    /// <summary>A token of a policy, for the hub or a part of it.</summary>
    public string PolicyToken(string policy, string path = "", TimeSpan? life = null) =>
        Tokens.Sign(Host + path, Policy(policy).Keys.Primary, Ends(life), policy);

    /// <summary>A well-formed token that no key of its holder has signed.</summary>
    public string ForeignToken(string path, string? policy = null) =>
        Tokens.Sign(Host + path, Policy("device").Keys.Primary, Ends(null), policy);

    /// <summary>
    /// Moves the clock, in steps that no connection takes for silence: the named ones answer between two steps.
    /// </summary>
    public async Task AdvanceAsync(TimeSpan span, params RawPeer[] peers)
    {
        while (span > TimeSpan.Zero)
        {
            var step = span < TimeSpan.FromSeconds(100) ? span : TimeSpan.FromSeconds(100);
            Time.Advance(step);
            span -= step;
            foreach (var peer in peers)
                await peer.Session(0).PingAsync();
        }
    }

    private DateTimeOffset Ends(TimeSpan? life) => Time.GetUtcNow() + (life ?? TimeSpan.FromHours(1));
}
