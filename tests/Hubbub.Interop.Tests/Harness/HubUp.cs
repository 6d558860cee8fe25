using System.Text.Json;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>The one line that <c>hubbub up --json</c> prints when every listener accepts.</summary>
internal sealed record HubUp(
    string HostName,
    HubPorts Ports,
    string CaCertificate,
    Dictionary<string, string> ConnectionStrings,
    Dictionary<string, string> EventHubs,
    string Data,
    int ReadyMs)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    /// <summary>The name of the events entity: EntityPath of the Event Hubs connection strings.</summary>
    public string Entity => Field(EventHubs["service"], "EntityPath");

    public string PolicyKey(string policy) => Field(ConnectionStrings[policy], "SharedAccessKey");

    public static HubUp Parse(string line) =>
        JsonSerializer.Deserialize<HubUp>(line, Options) ?? throw new FormatException("hubbub up printed null");

    /// <summary>The value of <paramref name="name"/> in a connection string of <c>key=value</c> parts.</summary>
    public static string Field(string connectionString, string name) =>
        connectionString.Split(';').Select(part => part.Split('=', 2)).First(pair => pair[0] == name)[1];
}

/// <summary>Bound TCP ports; 0 for a listener that is off.</summary>
internal sealed record HubPorts(int Amqps, int Https, int Amqp);
