namespace Hubbub.Client;

/// <summary>How a client proves who it is.</summary>
public enum ClientAuthentication
{
    /// <summary>By a token in a claim (CBS put-token), renewed before it expires. The default.</summary>
    Cbs,

    /// <summary>
    /// By SASL PLAIN: user name and token before the connection opens. Saves two round trips; the hub closes the
    /// connection when the token expires.
    /// </summary>
    SaslPlain,
}

/// <summary>What device clients and event readers have in common.</summary>
public record ClientOptions
{
    /// <summary>How the client proves who it is.</summary>
    public ClientAuthentication Authentication { get; init; } = ClientAuthentication.Cbs;

    /// <summary>How long the tokens live that the client makes from a key.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long connecting, attaching a link or a request may take.</summary>
    public TimeSpan OperationTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// idle-time-out announced to the hub, ms: it is taken for lost after twice that silence (AMQP 2.4.5).
    /// </summary>
    public uint IdleTimeoutMs { get; init; } = 120_000;

    /// <summary>
    /// The host to dial instead of the one that the connection string names, which stays the name that is
    /// authenticated: for a hub whose name this machine cannot resolve.
    /// </summary>
    public string? DialHostName { get; init; }

    /// <summary>
    /// A PEM file with the only CA certificates to trust; goes before the connection string's CaFile.
    /// </summary>
    public string? CaFile { get; init; }

    /// <summary>Time, for tests.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>How connections are made; tests put a pipe here.</summary>
    internal Connections.Dial Dial { get; init; } = Connections.Dialer.DialAsync;
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

    /// <summary>Events under way per partition at most: the credit that the reader keeps up.</summary>
    public int Prefetch { get; init; } = (int)ClientLimits.CreditMax;
}
