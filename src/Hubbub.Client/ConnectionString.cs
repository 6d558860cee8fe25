using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hubbub.Client;

/// <summary>
/// A connection string of a device, a service or an Event Hubs reader. Azure's own forms, with three optional keys
/// more for hubs that are not at Azure's ports or have a CA of their own: <c>AmqpsPort</c>, <c>HttpsPort</c> and
/// <c>CaFile</c>.
/// </summary>
public sealed class ConnectionString
{
    private const int AmqpsPortDefault = 5671;
    private const int PlainPortDefault = 5672;
    private const string Scheme = "sb://";

    private ConnectionString(ConnectionStringKind kind, string hostName) => (Kind, HostName) = (kind, hostName);

    /// <summary>Whom it is for.</summary>
    public ConnectionStringKind Kind { get; }

    /// <summary>The name of the hub, or of the Event Hubs namespace: what tokens and certificates are about.</summary>
    public string HostName { get; }

    /// <summary>
    /// The host to connect to when it is another one, a gateway: its certificate is for this name, while tokens still
    /// name the hub.
    /// </summary>
    public string? GatewayHostName { get; private init; }

    /// <summary>The device's id.</summary>
    public string? DeviceId { get; private init; }

    /// <summary>The module's id, for a module of a device.</summary>
    public string? ModuleId { get; private init; }

    /// <summary>The shared access policy (SharedAccessKeyName).</summary>
    public string? PolicyName { get; private init; }

    /// <summary>The key. Secret.</summary>
    public string? SharedAccessKey { get; private init; }

    /// <summary>A ready-made token instead of a key. Secret.</summary>
    public string? SharedAccessSignature { get; private init; }

    /// <summary>
    /// The event hub (EntityPath). Null in the string of a whole namespace: then
    /// <see cref="EventReaderOptions.EventHub"/> names it.
    /// </summary>
    public string? EntityPath { get; private init; }

    /// <summary>True when AMQP goes over plain TCP (UseDevelopmentEmulator), as the Event Hubs SDKs do it.</summary>
    public bool UsesDevelopmentEmulator { get; private init; }

    /// <summary>The port for AMQP: over TLS, or plain when <see cref="UsesDevelopmentEmulator"/>.</summary>
    public int AmqpPort { get; private init; } = AmqpsPortDefault;

    /// <summary>The port for HTTPS.</summary>
    public int HttpsPort { get; private init; } = 443;

    /// <summary>A PEM file with the CA certificates to trust instead of the system's.</summary>
    public string? CaFile { get; private init; }

    /// <summary>What a device's connection string says, without a text that the id might break.</summary>
    /// <param name="hostName">The hub.</param>
    /// <param name="deviceId">The device's id.</param>
    /// <param name="sharedAccessKey">Its key, base64; null when a certificate or a token provider is the
    /// proof.</param>
    /// <param name="amqpPort">The port for AMQP over TLS.</param>
    public static ConnectionString ForDevice(
        string hostName, string deviceId, string? sharedAccessKey, int amqpPort = AmqpsPortDefault) =>
        new(ConnectionStringKind.Device, hostName)
        {
            DeviceId = deviceId,
            SharedAccessKey = sharedAccessKey,
            AmqpPort = amqpPort,
        };

    /// <summary>What a module's connection string says.</summary>
    /// <param name="hostName">The hub.</param>
    /// <param name="deviceId">The device's id.</param>
    /// <param name="moduleId">The module's id.</param>
    /// <param name="sharedAccessKey">The module's key, base64.</param>
    /// <param name="amqpPort">The port for AMQP over TLS.</param>
    public static ConnectionString ForModule(
        string hostName, string deviceId, string moduleId, string sharedAccessKey, int amqpPort = AmqpsPortDefault) =>
        new(ConnectionStringKind.Device, hostName)
        {
            DeviceId = deviceId,
            ModuleId = moduleId,
            SharedAccessKey = sharedAccessKey,
            AmqpPort = amqpPort,
        };

    /// <summary>What a service's connection string says.</summary>
    /// <param name="hostName">The hub.</param>
    /// <param name="policyName">The shared access policy.</param>
    /// <param name="sharedAccessKey">Its key, base64.</param>
    /// <param name="amqpPort">The port for AMQP over TLS.</param>
    public static ConnectionString ForService(
        string hostName, string policyName, string sharedAccessKey, int amqpPort = AmqpsPortDefault) =>
        new(ConnectionStringKind.Service, hostName)
        {
            PolicyName = policyName,
            SharedAccessKey = sharedAccessKey,
            AmqpPort = amqpPort,
        };

    /// <summary>Parses a connection string of any kind.</summary>
    /// <exception cref="FormatException">It is none; the text says why and holds nothing of the key.</exception>
    public static ConnectionString Parse(string text) =>
        TryParse(text, out var parsed, out var problem)
            ? parsed
            : throw new FormatException($"The connection string cannot be used: {problem}.");

    /// <summary>Parses a connection string of any kind.</summary>
    /// <param name="text">The text.</param>
    /// <param name="parsed">The connection string, when the result is true.</param>
    /// <param name="problem">What is wrong, when the result is false; holds no secret.</param>
    public static bool TryParse(
        string? text,
        [NotNullWhen(true)] out ConnectionString? parsed,
        [NotNullWhen(false)] out string? problem)
    {
        parsed = null;
        if (!ConnectionStringFields.TrySplit(text, out var fields, out problem))
            return false;
        parsed = fields.Has("Endpoint") ? EventHubs(fields) : IotHub(fields);
        problem = fields.Problem;
        if (problem is not null)
            parsed = null;
        return parsed is not null;
    }

    /// <summary>The parts that are no secret.</summary>
    public override string ToString() => Kind switch
    {
        ConnectionStringKind.Device when ModuleId is null => $"HostName={HostName};DeviceId={DeviceId}",
        ConnectionStringKind.Device => $"HostName={HostName};DeviceId={DeviceId};ModuleId={ModuleId}",
        ConnectionStringKind.Service => $"HostName={HostName};SharedAccessKeyName={PolicyName}",
        _ when EntityPath is null => $"Endpoint={Scheme}{HostName}/;SharedAccessKeyName={PolicyName}",
        _ => $"Endpoint={Scheme}{HostName}/;SharedAccessKeyName={PolicyName};EntityPath={EntityPath}",
    };

    /// <summary>Says when no device client can be made of it.</summary>
    internal void CheckDevice(ClientOptions options)
    {
        if (Kind != ConnectionStringKind.Device)
            throw new FormatException("The connection string names no DeviceId.");
        if (SharedAccessKey is null && SharedAccessSignature is null && options.TokenProvider is null
            && options.ClientCertificate is null)
        {
            throw new FormatException(
                $"Nothing proves who device '{DeviceId}' is: neither a key or token in its connection string, nor a "
                + "TokenProvider or ClientCertificate in the options.");
        }
    }

    private static ConnectionString IotHub(ConnectionStringFields fields)
    {
        var hostName = fields.TakeHostName("HostName");
        var deviceId = fields.Take("DeviceId");
        var kind = deviceId is null ? ConnectionStringKind.Service : ConnectionStringKind.Device;
        var result = new ConnectionString(kind, hostName)
        {
            GatewayHostName = fields.TakeOptionalHostName("GatewayHostName"),
            DeviceId = fields.CheckId("DeviceId", deviceId),
            ModuleId = fields.CheckId("ModuleId", fields.Take("ModuleId")),
            PolicyName = fields.Take("SharedAccessKeyName"),
            SharedAccessKey = fields.TakeBase64("SharedAccessKey"),
            SharedAccessSignature = fields.TakeSignature("SharedAccessSignature"),
            AmqpPort = fields.TakePort("AmqpsPort", AmqpsPortDefault),
            HttpsPort = fields.TakePort("HttpsPort", 443),
            CaFile = fields.Take("CaFile"),
        };
        var usesCertificate = fields.TakeBoolean("x509");
        if (result.ModuleId is not null && deviceId is null)
            fields.Refuse("ModuleId is there without DeviceId");
        if (kind == ConnectionStringKind.Service && result.PolicyName is null)
            fields.Refuse("SharedAccessKeyName (a service) or DeviceId (a device) is missing");
        // With x509=true the proof is a certificate, which the options name.
        if (!usesCertificate)
        {
            fields.RequireOneOf(
                "SharedAccessKey", result.SharedAccessKey, "SharedAccessSignature", result.SharedAccessSignature);
        }
        return result;
    }

    private static ConnectionString EventHubs(ConnectionStringFields fields)
    {
        var usesEmulator = fields.TakeBoolean("UseDevelopmentEmulator");
        var (hostName, port) = SplitEndpoint(fields);
        var result = new ConnectionString(ConnectionStringKind.EventHubs, hostName)
        {
            PolicyName = fields.Take("SharedAccessKeyName"),
            // Event Hubs signs with the text of the key, so that any text is one (eventhubs.md 0.10).
            SharedAccessKey = fields.Take("SharedAccessKey"),
            SharedAccessSignature = fields.TakeSignature("SharedAccessSignature"),
            EntityPath = fields.Take("EntityPath"),
            UsesDevelopmentEmulator = usesEmulator,
            AmqpPort = fields.TakePort("AmqpsPort", port ?? (usesEmulator ? PlainPortDefault : AmqpsPortDefault)),
            HttpsPort = fields.TakePort("HttpsPort", 443),
            CaFile = fields.Take("CaFile"),
        };
        if (result.SharedAccessSignature is null && result.PolicyName is null)
            fields.Refuse("SharedAccessKeyName is missing");
        fields.RequireOneOf(
            "SharedAccessKey", result.SharedAccessKey, "SharedAccessSignature", result.SharedAccessSignature);
        return result;
    }

    private static (string HostName, int? Port) SplitEndpoint(ConnectionStringFields fields)
    {
        var endpoint = fields.Take("Endpoint") ?? "";
        if (!endpoint.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            fields.Refuse("Endpoint does not begin with sb://");
            return ("", null);
        }
        var authority = endpoint[Scheme.Length..].TrimEnd('/');
        var colon = authority.LastIndexOf(':');
        // An IPv6 address stands in brackets, and its colons are not the port's.
        if (colon < 0 || authority.EndsWith(']'))
            return (fields.CheckHostName("Endpoint", authority), null);
        if (!int.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is 0 or > ushort.MaxValue)
            fields.Refuse("the port of Endpoint is no port");
        return (fields.CheckHostName("Endpoint", authority[..colon]), port);
    }
}
