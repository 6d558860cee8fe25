namespace Hubbub.Client.Connections;

/// <summary>Where a server listens and how it is known.</summary>
internal sealed record ServerAddress
{
    /// <summary>The name in the certificate, in open and in tokens.</summary>
    public required string HostName { get; init; }

    /// <summary>The host to dial, when it is not <see cref="HostName"/>.</summary>
    public string? DialHostName { get; init; }

    public required int Port { get; init; }

    /// <summary>False for plain TCP, in development only.</summary>
    public bool UsesTls { get; init; } = true;

    /// <summary>The CA certificates to trust; null for the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>The server of a connection string.</summary>
    public static ServerAddress Of(ConnectionString to, ClientOptions options) => new()
    {
        HostName = to.HostName,
        DialHostName = options.DialHostName ?? to.GatewayHostName,
        Port = to.AmqpPort,
        UsesTls = !to.UsesDevelopmentEmulator,
        CaFile = options.CaFile ?? to.CaFile,
    };

    public override string ToString() => $"{(UsesTls ? "amqps" : "amqp")}://{HostName}:{Port}";
}
