using System.Diagnostics.Metrics;

namespace Hubbub.Server;

/// <summary>
/// Every metric of the hub. Totals are plain numbers that the instruments only look at, so they are right from the
/// start although nobody listens before the first scrape.
/// </summary>
public sealed class HubMetrics : IDisposable
{
    public const string MeterName = "Hubbub";

    private readonly Meter _meter = new(MeterName);
    private long _connectionsOpened;
    private long _connectionsClosed;
    private long _handshakesDropped;

    public HubMetrics()
    {
        _meter.CreateObservableCounter(
            "hubbub.amqp.connections.opened", () => Volatile.Read(ref _connectionsOpened),
            description: "AMQP connections accepted, over TCP and WebSocket.");
        _meter.CreateObservableUpDownCounter(
            "hubbub.amqp.connections.open", () => ConnectionsOpen, description: "AMQP connections that are open.");
        _meter.CreateObservableCounter(
            "hubbub.tls.handshakes.dropped", () => Volatile.Read(ref _handshakesDropped),
            description: "Connections dropped because too many TLS handshakes were in progress.");
    }

    /// <summary>AMQP connections that are open, over TCP and WebSocket.</summary>
    public long ConnectionsOpen => Volatile.Read(ref _connectionsOpened) - Volatile.Read(ref _connectionsClosed);

    public void ConnectionOpened() => Interlocked.Increment(ref _connectionsOpened);

    public void ConnectionClosed() => Interlocked.Increment(ref _connectionsClosed);

    public void HandshakeDropped() => Interlocked.Increment(ref _handshakesDropped);

    public void Dispose() => _meter.Dispose();
}
