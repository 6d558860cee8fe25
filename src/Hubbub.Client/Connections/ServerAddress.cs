namespace Hubbub.Client.Connections;

/// <summary>Where a server listens and how it is known.</summary>
internal sealed record ServerAddress
{
    /// <summary>The name in open and in tokens.</summary>
    public required string HostName { get; init; }

    /// <summary>The host to dial, when it is not <see cref="HostName"/>.</summary>
    public string? DialHostName { get; init; }

    /// <summary>
    /// The name in the certificate, when it is not <see cref="HostName"/>: a gateway shows its own.
    /// </summary>
    public string? GatewayHostName { get; init; }

    /// <summary>The name that the server's certificate has to be for.</summary>
    public string TlsHostName => GatewayHostName ?? HostName;

    public required int Port { get; init; }

    /// <summary>The port for WebSockets.</summary>
    public int HttpsPort { get; init; } = 443;

    /// <summary>The path for WebSockets (amqp.md 1.1, eventhubs.md 1.3).</summary>
    public string WebSocketPath { get; init; } = "/$iothub/websocket";

    /// <summary>False for plain TCP, in development only.</summary>
    public bool UsesTls { get; init; } = true;

    /// <summary>The CA certificates to trust; null for the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>The server of a connection string.</summary>
    public static ServerAddress Of(ConnectionString to, ClientOptions options) => new()
    {
        HostName = to.HostName,
        DialHostName = options.DialHostName ?? to.GatewayHostName,
        GatewayHostName = to.GatewayHostName,
        Port = to.AmqpPort,
        HttpsPort = to.HttpsPort,
        WebSocketPath = to.Kind == ConnectionStringKind.EventHubs ? "/$servicebus/websocket" : "/$iothub/websocket",
        UsesTls = !to.UsesDevelopmentEmulator,
        CaFile = options.CaFile ?? to.CaFile,
    };

    public override string ToString() => $"{(UsesTls ? "amqps" : "amqp")}://{HostName}:{Port}";
}
