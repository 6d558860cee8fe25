using System.Globalization;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;

namespace Hubbub.Client.Events;

/// <summary>
/// Asks an IoT hub where its events are: it refuses <c>/messages/events/...</c> with <c>amqp:link:redirect</c>, whose
/// info tells host, port and address (eventhubs.md 8).
/// </summary>
internal static class EventsRedirect
{
    private const string Asked = "/messages/events/$management";
    private const string Tail = "/$management";

    /// <returns>The server that holds the events, and the event hub's name there.</returns>
    public static async Task<(ServerAddress Address, string EntityPath)> FindAsync(
        ConnectionString to, ServerAddress hub, EventReaderOptions options, CancellationToken cancellationToken)
    {
        var tokens = TokenSource.ForIotHub(to, options);
        var isPlain = options.Authentication == ClientAuthentication.SaslPlain;
        var sasl = isPlain
            ? SaslCredentials.Plain(to, await tokens.MakeAsync(options, cancellationToken).ConfigureAwait(false))
            : SaslCredentials.Cbs;
        var connection = await AmqpClientConnection.OpenAsync(hub, sasl, options, cancellationToken)
            .ConfigureAwait(false);
        try
        {
            var session = await connection.BeginSessionAsync(cancellationToken).ConfigureAwait(false);
            if (!isPlain)
            {
                var authorization = await CbsAuthorization.StartAsync(connection, tokens, cancellationToken)
                    .ConfigureAwait(false);
                // One question needs no renewal.
                await authorization.DisposeAsync().ConfigureAwait(false);
            }
            var link = new ReceivingLink(Asked, new Nothing(), 1);
            await connection.AttachAsync(session, link, new Attach
            {
                Name = $"redirect-{Guid.NewGuid():N}",
                Handle = 0,
                Role = Role.Receiver,
                Source = new Source { Address = AmqpValue.From(Asked) },
                Target = new Target { Address = AmqpValue.From("hubbub-client") },
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (HubbubException e) when (e.Condition == ErrorCondition.LinkRedirect)
        {
            return Read(e, hub);
        }
        finally
        {
            await connection.CloseAsync().ConfigureAwait(false);
        }
        throw new HubbubException(
            ErrorCondition.NotImplemented,
            "it did not say where its events are (no redirect); use an Event Hubs connection string",
            hub.ToString());
    }

    internal static (ServerAddress Address, string EntityPath) Read(HubbubException redirect, ServerAddress hub)
    {
        var info = redirect.Info.GetValueOrDefault();
        var address = TextOf(info, "address");
        var host = TextOf(info, "hostname");
        if (address is null || host is null || !Uri.TryCreate(address, UriKind.Absolute, out var uri)
            || !uri.AbsolutePath.EndsWith(Tail, StringComparison.OrdinalIgnoreCase))
            throw Malformed(redirect);
        var entity = Uri.UnescapeDataString(uri.AbsolutePath[1..^Tail.Length]);
        if (entity.Length == 0)
            throw Malformed(redirect);
        // A hub that redirects to itself is reached as it was reached before, also through a forwarded port: what it
        // says of ports is made for clients that take nothing but 5671.
        if (string.Equals(host, hub.HostName, StringComparison.OrdinalIgnoreCase))
            return (hub, entity);
        var network = TextOf(info, "network-host");
        var port = info.TryGet("port", out var value) && value.TryGetInt32(out var number) ? number : uri.Port;
        if (port is <= 0 or > ushort.MaxValue)
            throw Malformed(redirect);
        var dial = string.Equals(network, host, StringComparison.OrdinalIgnoreCase) ? null : network;
        return (hub with
        {
            HostName = host,
            DialHostName = dial,
            GatewayHostName = null,
            Port = port,
            HttpsPort = 443,
            WebSocketPath = "/$servicebus/websocket",
        }, entity);
    }

    private static string? TextOf(AmqpMap info, string name) =>
        info.TryGet(name, out var value) && value.TryGetString(out var text, orSymbol: true) && text.Length > 0
            ? text
            : null;

    private static HubbubException Malformed(HubbubException redirect) => new(
        ErrorCondition.DecodeError,
        string.Create(CultureInfo.InvariantCulture, $"the redirect cannot be followed: {redirect.Description}"),
        redirect.Address, redirect.TrackingId, redirect);

    /// <summary>The link is refused, so that nothing comes.</summary>
    private sealed class Nothing : IDeliverySink
    {
        public void OnDelivery(in Amqp.Engine.IncomingDelivery delivery)
        {
        }

        public void OnDelivered()
        {
        }

        public void OnEnded(HubbubException end)
        {
        }
    }
}
