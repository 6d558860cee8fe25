using System.Net;
using Hubbub.Core.Commands;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Dispatch;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Hosting;

/// <summary>Everything that can be set about one hub. <see cref="Validate"/> comes before anything is opened.</summary>
public sealed record HubOptions
{
    /// <summary>Where everything is kept; made with mode 0700 when absent.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>DNS names by which clients reach the hub. The first is the one in connection strings.</summary>
    public IReadOnlyList<string> HostNames { get; init; } = ["localhost"];

    /// <summary>AMQP over TLS; 0 takes any free port.</summary>
    public int AmqpsPort { get; init; } = 5671;

    /// <summary>HTTPS and AMQP over WebSocket; 0 takes any free port.</summary>
    public int HttpsPort { get; init; } = 443;

    /// <summary>Takes the place of <see cref="HttpsPort"/> when that may not be bound; null: nothing does.</summary>
    public int? HttpsFallbackPort { get; init; } = 8443;

    /// <summary>Plain AMQP, only ever on the loopback interface; null switches it off, 0 takes any free port.</summary>
    public int? AmqpPort { get; init; } = 5672;

    /// <summary>
    /// Where the TLS listeners listen. Null: loopback only when every host name means loopback, else every interface.
    /// </summary>
    public IReadOnlyList<IPAddress>? BindAddresses { get; init; }

    /// <summary>Partitions of a new event log; an existing one keeps its own.</summary>
    public int Partitions { get; init; } = 4;

    /// <summary>How long events are kept at least.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Bytes of events that are kept at most, over all partitions; null: no bound but the disk's.</summary>
    public long? RetentionBytes { get; init; }

    /// <summary>Routes, enabled or not, that the hub may have.</summary>
    public int RoutesMax { get; init; } = 100;

    /// <summary>Endpoints besides the built-in one that the hub may have.</summary>
    public int EndpointsMax { get; init; } = 10;

    /// <summary>Enrichments that the hub may have.</summary>
    public int EnrichmentsMax { get; init; } = 10;

    /// <summary>
    /// True: webhooks may go to private, loopback and link-local addresses, and may use plain HTTP. Whoever may change
    /// endpoints can then have the hub call whatever it can reach.
    /// </summary>
    public bool AllowPrivateWebhooks { get; init; }

    /// <summary>Directories, besides the hub's own, in and below which endpoints may write files.</summary>
    public IReadOnlyList<string> FileDirectories { get; init; } = [];

    /// <summary>Kinds of endpoints besides those that every hub has.</summary>
    public IReadOnlyList<IEndpointSinkFactory> SinkFactories { get; init; } = [];

    /// <summary>How commands to devices and the feedback about them are handled.</summary>
    public CommandOptions Commands { get; init; } = new();

    /// <summary>Own certificate: PEM (leaf first) or PFX. Null: one is issued by the hub's development CA.</summary>
    public string? CertificatePath { get; init; }

    /// <summary>Own key in PEM, when the certificate's file does not hold it.</summary>
    public string? CertificateKeyPath { get; init; }

    /// <summary>A file whose first line is the password of a PFX file.</summary>
    public string? CertificatePasswordPath { get; init; }

    /// <summary>How far clocks may differ before a token counts as expired.</summary>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Open connections over all listeners; more are closed at once.</summary>
    public int ConnectionsMax { get; init; } = HostingLimits.ConnectionsMax;

    /// <summary>True: /metrics answers everybody, not only the loopback interface.</summary>
    public bool MetricsPublic { get; init; }

    /// <summary>The least level of log lines on standard error.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>The name in connection strings and SASL identities.</summary>
    public string HostName => HostNames[0];

    /// <summary>True when no host name can mean another machine.</summary>
    public bool IsLoopbackOnly => HostNames.All(IsLoopbackName);

    /// <summary>What of these options routing needs.</summary>
    internal RoutingOptions ToRouting() => new()
    {
        RoutesMax = RoutesMax,
        EndpointsMax = EndpointsMax,
        EnrichmentsMax = EnrichmentsMax,
        SinkFactories = SinkFactories,
        Sinks = new SinkPolicy
        {
            AllowPrivateAddresses = AllowPrivateWebhooks,
            FileDirectory = Path.Combine(Path.GetFullPath(DataDirectory), "files"),
            AllowedDirectories = [.. FileDirectories.Select(Path.GetFullPath)],
        },
    };

    /// <summary>The first thing that is wrong, as a sentence with its remedy; null when nothing is.</summary>
    public string? Validate()
    {
        if (string.IsNullOrWhiteSpace(DataDirectory))
            return "The data directory is empty; name one with --data DIR.";
        if (HostNames.Count is 0 or > HostingLimits.HostNamesMax)
            return $"There must be 1 to {HostingLimits.HostNamesMax} host names, not {HostNames.Count}.";
        foreach (var name in HostNames)
        {
            // Connection strings have no room for a port, and no client accepts an address literal with one.
            if (Uri.CheckHostName(name) is not (UriHostNameType.Dns or UriHostNameType.IPv4))
                return $"'{name}' is no host name; give a DNS name without scheme and port, as --host hub.example.org.";
        }
        if (AmqpsPort is < 0 or > ushort.MaxValue || HttpsPort is < 0 or > ushort.MaxValue
            || AmqpPort is < 0 or > ushort.MaxValue || HttpsFallbackPort is < 0 or > ushort.MaxValue)
            return "A port must be 0 to 65535.";
        if (AmqpsPort != 0 && AmqpsPort == HttpsPort
            || AmqpPort is > 0 && (AmqpPort == AmqpsPort || AmqpPort == HttpsPort))
            return "Two listeners were given the same port.";
        if (Partitions is < 1 or > HostingLimits.PartitionsMax)
            return $"Partitions must be 1 to {HostingLimits.PartitionsMax}, not {Partitions}.";
        if (Retention < TimeSpan.FromMinutes(1))
            return "Retention must be at least one minute, as --retention 1d.";
        if (RetentionBytes is < HostingLimits.RetentionBytesMin)
            return $"Retention by size must be at least {HostingLimits.RetentionBytesMin}, as --retention-size 10GB.";
        if (CertificatePath is null && (CertificateKeyPath is not null || CertificatePasswordPath is not null))
            return "A certificate key or password was given without --certificate FILE.";
        if (ClockSkew < TimeSpan.Zero || ClockSkew > TimeSpan.FromMinutes(10))
            return "The clock skew must be 0 to 10 minutes.";
        if (ConnectionsMax < 1)
            return "At least one connection must be allowed.";
        return Commands.Validate() ?? ToRouting().Validate();
    }

    private static bool IsLoopbackName(string name) =>
        name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address);
}
