using System.Text.Json;
using Hubbub.Client;
using Hubbub.Server.Hosting;

namespace Hubbub.Cli;

/// <summary>A hub, and the key with which this process talks to it.</summary>
internal sealed record HubAddress
{
    public const string Variable = "HUBBUB_CONNECTION_STRING";

    public required string HostName { get; init; }

    public required string PolicyName { get; init; }

    /// <summary>The policy's key, base64.</summary>
    public required string Key { get; init; }

    public int HttpsPort { get; init; } = 443;

    public int AmqpsPort { get; init; } = 5671;

    /// <summary>The certificate to trust instead of the system's own ones; null for those.</summary>
    public string? CaFile { get; init; }

    /// <summary>The running hub of this machine; null when the address came from the environment.</summary>
    public HubFile? Local { get; init; }

    /// <summary>The hub of the environment's connection string, else the one that runs in the data directory.</summary>
    public static HubAddress Find(string dataDirectory, bool isDataGiven)
    {
        // What is on the command line was meant for this call; the environment is only a default.
        if (!isDataGiven && Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text)
            return Parse(text, $"the environment variable {Variable}");
        return FromFile(ReadFile(dataDirectory));
    }

    /// <summary>What the hub that runs in a data directory says about itself.</summary>
    public static HubFile ReadFile(string dataDirectory)
    {
        try
        {
            return HubFile.Read(dataDirectory) ?? throw new CommandFailedException(
                $"no hub runs in '{dataDirectory}'; start one with 'hubbub up', name its directory with --data DIR, "
                + $"or set {Variable} to a hub's connection string.");
        }
        catch (UnauthorizedAccessException e)
        {
            throw new CommandFailedException(
                $"'{HubFile.PathIn(dataDirectory)}' may be read by the hub's own user only; run this as that user, "
                + $"or set {Variable}.", inner: e);
        }
        catch (JsonException e)
        {
            throw new CommandFailedException(
                $"'{HubFile.PathIn(dataDirectory)}' is damaged; start the hub again. ({e.Message})", inner: e);
        }
    }

    /// <summary>Never the key: this may end in an error text.</summary>
    public override string ToString() => $"{HostName} as {PolicyName}";

    private static HubAddress FromFile(HubFile hub)
    {
        if (!hub.ConnectionStrings.TryGetValue("iothubowner", out var owner))
            throw new CommandFailedException($"the hub in '{hub.Data}' has no policy 'iothubowner'.");
        return Parse(owner, HubFile.PathIn(hub.Data)) with
        {
            HttpsPort = hub.Ports.Https,
            AmqpsPort = hub.Ports.Amqps,
            CaFile = hub.CaCertificate,
            Local = hub,
        };
    }

    private static HubAddress Parse(string text, string origin)
    {
        if (!ConnectionString.TryParse(text, out var parsed, out var problem))
            throw Invalid(origin, problem);
        if (parsed.Kind != ConnectionStringKind.Service)
            throw Invalid(origin, "it is not a service's, with SharedAccessKeyName and without DeviceId");
        return new HubAddress
        {
            HostName = parsed.HostName,
            PolicyName = parsed.PolicyName!,
            Key = parsed.SharedAccessKey ?? throw Invalid(origin, "SharedAccessKey is missing"),
            HttpsPort = parsed.HttpsPort,
            AmqpsPort = parsed.AmqpPort,
            CaFile = parsed.CaFile,
        };
    }

    private static CommandFailedException Invalid(string origin, string reason) =>
        new($"the connection string of {origin} cannot be used: {reason}.", ExitCode.Usage);
}
