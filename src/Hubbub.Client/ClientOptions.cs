using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Client;

/// <summary>How a client proves who it is.</summary>
public enum ClientAuthentication
{
    /// <summary>By a token in a claim (CBS put-token), renewed before it expires. The default.</summary>
    Cbs,

    /// <summary>
    /// By SASL PLAIN: user name and token before the connection opens. Saves two round trips. Such a connection holds
    /// as long as its token, so another one takes its place before that expires: sends under way are answered on the
    /// old one, locked commands settled there.
    /// </summary>
    SaslPlain,
}

/// <summary>What becomes of sends whose answer had not come when the connection was lost.</summary>
public enum UnacknowledgedSends
{
    /// <summary>They are sent again: each arrives at least once, some perhaps twice. The default.</summary>
    Resend,

    /// <summary>
    /// They fail with the reason of the loss; the hub may have taken them. Each arrives at most once. What had not
    /// gone out yet goes out on the next connection.
    /// </summary>
    Fail,
}

/// <summary>How the bytes of AMQP travel.</summary>
public enum AmqpTransport
{
    /// <summary>TCP and TLS, port 5671. The default.</summary>
    Tcp,

    /// <summary>
    /// A WebSocket over HTTPS, port 443, for networks that let nothing else through (<c>/$iothub/websocket</c>, Event
    /// Hubs <c>/$servicebus/websocket</c>, subprotocol AMQPWSB10).
    /// </summary>
    WebSocket,
}

/// <summary>
/// Gives tokens to a client that has no key itself, such as from a key store; called ahead of each expiry.
/// </summary>
/// <param name="resource">
/// What the token has to open: <c>{hub}/devices/{id}</c>, <c>{hub}</c>, or <c>sb://{host}/{event hub}</c>.
/// </param>
/// <param name="cancellationToken">Gives up.</param>
public delegate ValueTask<SasToken> TokenProvider(string resource, CancellationToken cancellationToken);

/// <summary>What all clients have in common.</summary>
public record ClientOptions
{
    /// <summary>How the client proves who it is, unless a client certificate does.</summary>
    public ClientAuthentication Authentication { get; init; } = ClientAuthentication.Cbs;

    /// <summary>How long the tokens live that the client makes from a key.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Where tokens come from, instead of the connection string's key.</summary>
    public TokenProvider? TokenProvider { get; init; }

    /// <summary>
    /// How long a call may take: a send until the hub's answer, attaching a link, a request. Then it fails with
    /// <see cref="HubbubCondition.Timeout"/>, or with the reason why there is no connection.
    /// </summary>
    public TimeSpan OperationTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one attempt to connect may take, TLS and AMQP's open included.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>What to do when the connection is lost.</summary>
    public ReconnectPolicy Reconnect { get; init; } = ReconnectPolicy.Default;

    /// <summary>What becomes of unanswered sends when the connection is lost.</summary>
    public UnacknowledgedSends UnacknowledgedSends { get; init; } = UnacknowledgedSends.Resend;

    /// <summary>
    /// idle-time-out announced to the hub, ms: it is taken for lost after twice that silence (AMQP 2.4.5), also when
    /// nothing is to be sent. So a hub that vanishes without a word is noticed within two minutes by default.
    /// </summary>
    public uint IdleTimeoutMs { get; init; } = 60_000;

    /// <summary>How the bytes travel.</summary>
    public AmqpTransport Transport { get; init; } = AmqpTransport.Tcp;

    /// <summary>
    /// The HTTP proxy to go through, for either transport (HTTP CONNECT); null for none. With credentials it is
    /// answered by Basic authentication.
    /// </summary>
    public IWebProxy? Proxy { get; init; }

    /// <summary>
    /// The host to dial instead of the one that the connection string names, which stays the name that is
    /// authenticated: for a hub whose name this machine cannot resolve.
    /// </summary>
    public string? DialHostName { get; init; }

    /// <summary>
    /// A PEM file with the only CA certificates to trust; goes before the connection string's CaFile.
    /// </summary>
    public string? CaFile { get; init; }

    /// <summary>The only CA certificates to trust; goes before <see cref="CaFile"/>. Null for the system's.</summary>
    public X509Certificate2Collection? TrustedCertificates { get; init; }

    /// <summary>
    /// The certificate, with its private key, by which a device proves who it is (X.509); then no token is needed.
    /// </summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>The certificates between <see cref="ClientCertificate"/> and its root, if the hub needs them.</summary>
    public X509Certificate2Collection? ClientCertificateChain { get; init; }

    /// <summary>Time, for tests.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>How connections are made; tests put a pipe here.</summary>
    internal Connections.Dial Dial { get; init; } = Connections.Dialer.DialAsync;

    /// <summary>Where the jitter of reconnects comes from; tests put a seed here.</summary>
    internal Random Random { get; init; } = Random.Shared;
}

/// <summary>Options of a <see cref="DeviceClient"/>.</summary>
public sealed record DeviceClientOptions : ClientOptions
{
    /// <summary>Messages that may wait for the hub's answer at a time; more sends wait in line.</summary>
    public int SendWindow { get; init; } = 5_000;

    /// <summary>
    /// Commands that may be on the device and not settled yet: each is locked for a minute from when it is sent, so
    /// this many should be done within a minute.
    /// </summary>
    public int CommandPrefetch { get; init; } = 8;
}

/// <summary>Options of a <see cref="ServiceClient"/>.</summary>
public sealed record ServiceClientOptions : ClientOptions
{
    /// <summary>Commands that may wait for the hub's answer at a time; more sends wait in line.</summary>
    public int SendWindow { get; init; } = 1_000;
}

/// <summary>Options of an <see cref="EventReader"/>.</summary>
public sealed record EventReaderOptions : ClientOptions
{
    /// <summary>The consumer group to read with.</summary>
    public string ConsumerGroup { get; init; } = "$Default";

    /// <summary>
    /// The event hub to read, when the connection string is of a whole Event Hubs namespace and names none (no
    /// EntityPath).
    /// </summary>
    public string? EventHub { get; init; }

    /// <summary>Events under way per partition at most: the credit that the reader keeps up.</summary>
    public int Prefetch { get; init; } = (int)ClientLimits.CreditMax;

    /// <summary>
    /// Where readers keep how far they have come: a partition with a checkpoint is read from behind it. Null keeps
    /// none.
    /// </summary>
    public ICheckpointStore? Checkpoints { get; init; }
}
