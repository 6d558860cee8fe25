using Hubbub.Server.Amqp;
using Hubbub.Server.Http;
using Hubbub.Server.Routing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Hosting;

/// <summary>One running hub: everything is made here, by hand, and stopped here in the opposite order.</summary>
public sealed class HubServer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HealthEndpoint _health;
    private readonly HubMetrics _metrics = new();
    private ServerCertificate? _certificate;
    private MetricsEndpoint? _metricsEndpoint;
    private WebApplication? _application;
    private HubCore? _core;
    private HubRouting? _routing;
    private AmqpListener? _amqp;
    private bool _isStopped;

    private HubServer(HubOptions options, TimeProvider time, ILoggerFactory loggerFactory)
    {
        (Options, _time) = (options, time);
        _logger = loggerFactory.CreateLogger("Hubbub");
        _health = new HealthEndpoint(options.DataDirectory, time);
    }

    public HubOptions Options { get; }

    /// <summary>Where the hub is and how to connect to it. Holds the policies' keys.</summary>
    public HubFile Description { get; private set; } = null!;

    public HubPorts Ports => Description.Ports;

    /// <summary>Starts a hub; it accepts on every listener when the task completes.</summary>
    /// <exception cref="HubStartException">It cannot start; the text says why and what to do.</exception>
    public static async Task<HubServer> StartAsync(
        HubOptions options,
        TimeProvider time,
        ILoggerFactory loggerFactory,
        CancellationToken cancellationToken = default)
    {
        if (options.Validate() is { } problem)
            throw new HubStartException(problem);
        var server = new HubServer(
            options with { DataDirectory = Path.GetFullPath(options.DataDirectory) }, time, loggerFactory);
        try
        {
            await server.StartAsync(loggerFactory, cancellationToken);
            return server;
        }
        catch
        {
            await server.StopAsync();
            throw;
        }
    }

    /// <summary>
    /// Stops: no new connections, open ones are closed with a reason while what is in flight is settled, then the
    /// storage is synced and closed.
    /// </summary>
    public async Task StopAsync()
    {
        if (_isStopped)
            return;
        _isStopped = true;
        var started = _time.GetTimestamp();
        _health.IsAccepting = false;
        if (_application is not null)
        {
            _logger.HubStopping();
            await _stopping.CancelAsync();
            using var timeout = new CancellationTokenSource(HostingLimits.StopTimeout, _time);
            await _application.StopAsync(timeout.Token);
            if (timeout.IsCancellationRequested)
                _logger.StopTimedOut((int)HostingLimits.StopTimeout.TotalMilliseconds);
            await _application.DisposeAsync();
        }
        _amqp?.Dispose();
        if (_routing is not null)
            await _routing.DisposeAsync();
        if (_core is not null)
            await _core.DisposeAsync();
        _metricsEndpoint?.Dispose();
        _certificate?.Dispose();
        _metrics.Dispose();
        _stopping.Dispose();
        if (Description is not null)
        {
            File.Delete(HubFile.PathIn(Options.DataDirectory));
            _logger.HubStopped((long)_time.GetElapsedTime(started).TotalMilliseconds);
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task StartAsync(ILoggerFactory loggerFactory, CancellationToken cancellationToken)
    {
        MakeDataDirectory();
        using var sockets = ListenSockets.Bind(Options, _logger);
        _core = await HubCore.OpenAsync(Options, _time, _logger, cancellationToken);
        _routing = await _core.OpenRoutingAsync(Options.ToRouting(), _metrics, _time, _logger, cancellationToken);
        _metrics.Watch(_core.Commands);
        _metrics.Watch(_core.Failures);
        _certificate = ServerCertificate.Open(Options, _time, _logger);
        var ports = new HubPorts(
            sockets.Amqps[0].Port, sockets.Https[0].Port, sockets.Amqp.Count > 0 ? sockets.Amqp[0].Port : 0);
        _amqp = new AmqpListener(_core.ToAmqp(_routing, _metrics, _time, _logger, ports.Amqps));
        var amqp = new AmqpConnectionHandler(_amqp, _metrics, _stopping.Token);
        var gate = new HandshakeGate(HostingLimits.HandshakesMax, _metrics.HandshakeDropped);
        _application = Listeners.Build(
            Options, sockets, _certificate, gate, amqp, _core.Authenticator.Meet, loggerFactory);
        _core.Authorities.OnChanged(_certificate.ForgetSessions);
        _metricsEndpoint = new MetricsEndpoint(_application.Services, Options.MetricsPublic);
        var webSocket = new AmqpWebSocket(_amqp, _metrics, _time, _stopping.Token);
        var api = new HubApi(_core.ToApi(_routing, _metrics, _time, _logger));
        var http = new HttpPipeline(webSocket, _health, _metricsEndpoint, api.InvokeAsync);
        _application.UseWebSockets();
        _application.Run(http.InvokeAsync);

        await _application.StartAsync(cancellationToken);
        _health.IsAccepting = true;
        Description = new HubFile
        {
            HostName = Options.HostName,
            Ports = ports,
            CaCertificate = _certificate.AuthorityPath,
            ConnectionStrings = ConnectionStrings.OfHub(_core),
            EventHubs = ConnectionStrings.OfEvents(_core),
            Data = Options.DataDirectory,
            Pid = Environment.ProcessId,
        };
        Description.Write();
        _core.Policies.OnChanged(DescribePolicies);
        _logger.HubReady(Options.HostName, ports.Amqps, ports.Https, ports.Amqp, Options.DataDirectory);
    }

    /// <summary>The people of this machine get their keys from the hub's file; it follows the policies.</summary>
    private void DescribePolicies()
    {
        Description = Description with
        {
            ConnectionStrings = ConnectionStrings.OfHub(_core!),
            EventHubs = ConnectionStrings.OfEvents(_core!),
        };
        try
        {
            Description.Write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _logger.DescriptionNotWritten(HubFile.PathIn(Options.DataDirectory), e.Message);
        }
    }

    private void MakeDataDirectory()
    {
        try
        {
            PrivateFile.MakeDirectory(Options.DataDirectory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HubStartException(
                $"The data directory '{Options.DataDirectory}' cannot be made: {e.Message} "
                + "Name another with --data DIR.",
                e);
        }
    }
}
