using Hubbub.Client.Connections;

namespace Hubbub.Client;

/// <summary>
/// Many devices of one hub over few connections, as a gateway needs it: each device has a session, a claim and links
/// of its own, so that what is refused to one harms no other. Safe for concurrent use.
/// </summary>
/// <remarks>Devices with a client certificate or SASL PLAIN cannot share: there the connection is the proof.</remarks>
public sealed class DevicePool(DevicePoolOptions? options = null) : IAsyncDisposable
{
    private readonly DevicePoolOptions _options = options ?? new DevicePoolOptions();
    private readonly Lock _gate = new();
    private readonly List<OnDemand<AmqpClientConnection>> _connections = [];
    private ServerAddress? _server;
    private int _devicesOnLast;
    private bool _isClosed;

    /// <summary>A client for one more device; closing it leaves the connection to the others.</summary>
    /// <exception cref="FormatException">It is no device's connection string, or of another hub than the
    /// first.</exception>
    public DeviceClient CreateFromConnectionString(string connectionString) =>
        Create(ConnectionString.Parse(connectionString));

    /// <summary>A client for one more device; closing it leaves the connection to the others.</summary>
    /// <exception cref="FormatException">It is no device's connection string, or of another hub than the
    /// first.</exception>
    public DeviceClient Create(ConnectionString connectionString)
    {
        var device = _options.Device;
        connectionString.CheckDevice(device);
        if (device.Authentication != ClientAuthentication.Cbs || device.ClientCertificate is not null)
            throw new FormatException("Devices can share a connection only when each proves itself by a claim (CBS).");
        var server = ServerAddress.Of(connectionString, device);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            _server ??= server;
            if (server != _server)
                throw new FormatException($"The pool is connected to {_server}, the device belongs to {server}.");
            if (_connections.Count == 0 || _devicesOnLast >= _options.DevicesPerConnection)
            {
                _connections.Add(HubChannel.ConnectionTo(connectionString, device));
                _devicesOnLast = 0;
            }
            _devicesOnLast++;
            return new DeviceClient(connectionString, device, _connections[^1]);
        }
    }

    /// <summary>Closes the connections; the devices' sends fail.</summary>
    /// <exception cref="OperationCanceledException">Nobody waits any more; it goes on by itself.</exception>
    public Task CloseAsync(CancellationToken cancellationToken = default) =>
        DisposeAsync().AsTask().WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
            _isClosed = true;
        foreach (var connection in _connections)
            await connection.CloseAsync().ConfigureAwait(false);
    }
}

/// <summary>Options of a <see cref="DevicePool"/>.</summary>
public sealed record DevicePoolOptions
{
    /// <summary>The options of all its devices.</summary>
    public DeviceClientOptions Device { get; init; } = new() { SendWindow = 100 };

    /// <summary>
    /// Devices on one connection at most; Azure takes about a thousand claims on each (amqp.md 2.4).
    /// </summary>
    public int DevicesPerConnection { get; init; } = 900;
}
