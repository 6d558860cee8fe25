using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hubbub.Server.Hosting;

/// <summary>
/// What a running hub tells the people of its machine: <c>DATA/hub.json</c>, readable for the owner only, there while
/// the hub runs. The line that <c>up --json</c> prints has the same shape, with <c>readyMs</c> and without <c>pid</c>.
/// </summary>
public sealed record HubFile
{
    public const string FileName = "hub.json";

    /// <summary>Keys are full of plus signs; they need no escape outside of HTML.</summary>
    private static readonly HubFileJson Readable = new(new JsonSerializerOptions(HubFileJson.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public required string HostName { get; init; }

    public required HubPorts Ports { get; init; }

    /// <summary>The certificate that clients have to trust; null when the hub shows an own one.</summary>
    public string? CaCertificate { get; init; }

    /// <summary>Policy name to connection string. Secret.</summary>
    public required IReadOnlyDictionary<string, string> ConnectionStrings { get; init; }

    /// <summary>Policy name to Event Hubs connection string, for the policies that may read events. Secret.</summary>
    public required IReadOnlyDictionary<string, string> EventHubs { get; init; }

    /// <summary>The data directory, as an absolute path.</summary>
    public required string Data { get; init; }

    /// <summary>Milliseconds from the start of the process to the moment at which every listener accepts.</summary>
    public long? ReadyMs { get; init; }

    /// <summary>The hub's process; only in the file.</summary>
    public int? Pid { get; init; }

    public static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, FileName);

    /// <summary>Reads the file of a data directory; null when there is none, that is, when no hub runs there.</summary>
    /// <exception cref="JsonException">It is there and no such file.</exception>
    public static HubFile? Read(string dataDirectory)
    {
        try
        {
            return JsonSerializer.Deserialize(
                File.ReadAllBytes(PathIn(dataDirectory)), HubFileJson.Default.HubFile);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>One line of JSON. Secret.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Readable.HubFile);

    /// <summary>Never the secrets: this may end in a log.</summary>
    public override string ToString() => $"{HostName} in {Data}";

    internal void Write() => PrivateFile.Write(PathIn(Data), ToJson() + "\n", isSecret: true);
}

/// <summary>The bound ports; <see cref="Amqp"/> is 0 when plain AMQP is off.</summary>
public sealed record HubPorts(int Amqps, int Https, int Amqp);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HubFile))]
internal sealed partial class HubFileJson : JsonSerializerContext;
