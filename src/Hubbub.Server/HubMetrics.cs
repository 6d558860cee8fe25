using System.Diagnostics.Metrics;
using Hubbub.Core.Commands;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Core.Security;

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
    private long _authenticationsFailed;
    private long _requestsUnauthenticated;
    private long _linksRefused;
    private long _eventsReceived;
    private long _eventBytesReceived;
    private long _eventsRejected;
    private long _eventsDelivered;
    private long _eventsUnmatched;
    private long _eventsOversized;

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
        _meter.CreateObservableCounter(
            "hubbub.amqp.authentications.failed", () => Volatile.Read(ref _authenticationsFailed),
            description: "SASL credentials, tokens and certificates refused.");
        _meter.CreateObservableCounter(
            "hubbub.http.authentications.failed", () => Volatile.Read(ref _requestsUnauthenticated),
            description: "HTTPS requests whose token or certificate was refused.");
        _meter.CreateObservableCounter(
            "hubbub.amqp.links.refused", () => Volatile.Read(ref _linksRefused), description: "Attaches refused.");
        _meter.CreateObservableCounter(
            "hubbub.events.received", () => Volatile.Read(ref _eventsReceived),
            description: "Events that devices sent and the log took.");
        _meter.CreateObservableCounter(
            "hubbub.events.received.bytes", () => Volatile.Read(ref _eventBytesReceived), unit: "By",
            description: "Encoded bytes of the events received.");
        _meter.CreateObservableCounter(
            "hubbub.events.rejected", () => Volatile.Read(ref _eventsRejected),
            description: "Deliveries from devices that were rejected.");
        _meter.CreateObservableCounter(
            "hubbub.events.delivered", () => Volatile.Read(ref _eventsDelivered),
            description: "Events sent to readers.");
        _meter.CreateObservableCounter(
            "hubbub.events.dropped",
            () => new[]
            {
                new Measurement<long>(
                    Volatile.Read(ref _eventsUnmatched), new KeyValuePair<string, object?>("reason", "unmatched")),
                new Measurement<long>(
                    Volatile.Read(ref _eventsOversized), new KeyValuePair<string, object?>("reason", "oversized")),
            },
            description: "Events accepted that no route and no fallback wanted, or that enrichments made too large.");
    }

    /// <summary>AMQP connections that are open, over TCP and WebSocket.</summary>
    public long ConnectionsOpen => Volatile.Read(ref _connectionsOpened) - Volatile.Read(ref _connectionsClosed);

    public void ConnectionOpened() => Interlocked.Increment(ref _connectionsOpened);

    public void ConnectionClosed() => Interlocked.Increment(ref _connectionsClosed);

    public void HandshakeDropped() => Interlocked.Increment(ref _handshakesDropped);

    public void AuthenticationFailed() => Interlocked.Increment(ref _authenticationsFailed);

    public void RequestUnauthenticated() => Interlocked.Increment(ref _requestsUnauthenticated);

    public void LinkRefused() => Interlocked.Increment(ref _linksRefused);

    public void EventsReceived(int count, long bytes)
    {
        Interlocked.Add(ref _eventsReceived, count);
        Interlocked.Add(ref _eventBytesReceived, bytes);
    }

    public void EventsRejected(int count) => Interlocked.Add(ref _eventsRejected, count);

    /// <summary>An event that no route wanted, while the fallback route is off.</summary>
    public void EventUnmatched() => Interlocked.Increment(ref _eventsUnmatched);

    /// <summary>An event that its enrichments made too large for an endpoint.</summary>
    public void EventOversized() => Interlocked.Increment(ref _eventsOversized);

    public void EventsDelivered(int count) => Interlocked.Add(ref _eventsDelivered, count);

    /// <summary>Shows what the queues of commands count themselves.</summary>
    public void Watch(CommandQueues commands)
    {
        var counters = commands.Counters;
        _meter.CreateObservableCounter(
            "hubbub.commands.enqueued", () => counters.Enqueued, description: "Commands accepted from services.");
        _meter.CreateObservableCounter(
            "hubbub.commands.delivered", () => counters.Delivered,
            description: "Commands given to devices, repeats included.");
        _meter.CreateObservableUpDownCounter(
            "hubbub.commands.pending", () => counters.Pending, description: "Commands that have no outcome yet.");
        _meter.CreateObservableCounter(
            "hubbub.commands.ended",
            () => Enum.GetValues<CommandOutcome>().Select(outcome => new Measurement<long>(
                counters.Ended(outcome), new KeyValuePair<string, object?>("outcome", outcome.ToString()))),
            description: "Commands by their outcome.");
        _meter.CreateObservableCounter(
            "hubbub.feedback.dropped", () => counters.FeedbackDropped,
            description: "Feedback records that no service took in time.");
        _meter.CreateObservableCounter(
            "hubbub.commands.watched.dropped", () => counters.WatchedDropped,
            description: "Changes of commands that a watching link was not told, for want of credit.");
    }

    /// <summary>Shows how custom endpoints do.</summary>
    /// <param name="endpoints">Says how each one does at the moment of the call.</param>
    public void Watch(Func<IEnumerable<EndpointStatus>> endpoints)
    {
        IEnumerable<Measurement<long>> Each(Func<EndpointStatus, long> value) =>
            endpoints().Select(status => new Measurement<long>(
                value(status), new KeyValuePair<string, object?>("endpoint", status.Name)));

        _meter.CreateObservableCounter(
            "hubbub.endpoint.delivered", () => Each(static s => s.Delivered), description: "Events delivered.");
        _meter.CreateObservableCounter(
            "hubbub.endpoint.failed", () => Each(static s => s.FailedAttempts),
            description: "Deliveries that failed and are tried again, or were refused.");
        _meter.CreateObservableCounter(
            "hubbub.endpoint.deadlettered", () => Each(static s => s.DeadLettered),
            description: "Events put aside as dead letters.");
        _meter.CreateObservableCounter(
            "hubbub.endpoint.lost", () => Each(static s => s.Lost),
            description: "Events that retention removed before they could be delivered.");
        _meter.CreateObservableGauge(
            "hubbub.endpoint.lag.events", () => Each(static s => s.LagEvents), description: "Events that wait.");
        _meter.CreateObservableGauge(
            "hubbub.endpoint.lag", () => Each(static s => s.LagMs), unit: "ms",
            description: "Age of the oldest event that waits.");
        _meter.CreateObservableGauge(
            "hubbub.endpoint.healthy", () => Each(static s => s.Health == EndpointHealth.Healthy ? 1 : 0),
            description: "1 when the last delivery succeeded.");
    }

    /// <summary>Shows how many who guess were slowed down.</summary>
    public void Watch(FailedAuthentications failures) => _meter.CreateObservableCounter(
        "hubbub.authentications.slowed", () => failures.Slowed,
        description: "Failed authentications whose answer was delayed, there having been too many.");

    public void Dispose() => _meter.Dispose();
}
