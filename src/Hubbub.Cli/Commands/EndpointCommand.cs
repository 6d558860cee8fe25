using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub endpoint ...</c>: where routes lead.</summary>
internal static class EndpointCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "The endpoint's name." };

    private static readonly Option<int?> Partitions =
        NumberOption.CreateOptional(
            "--partitions", "Partitions of a stream that clients read. Default: 4.", 1, int.MaxValue);

    private static readonly Option<string?> Url =
        Text("--url", "A webhook: where to POST batches of JSON.", "URL");

    private static readonly Option<string?> Secret =
        Text("--secret-file", "A file with the key of a webhook's signature, base64. Default: a fresh key.", "FILE");

    private static readonly Option<string?> Directory =
        Text("--directory", "Files: the directory for JSON lines, below the hub's own or one it allows.", "DIR");

    private static readonly Option<string?> Brokers = Text(
        "--brokers", "Kafka: host:port, separated by commas.", "LIST");
    private static readonly Option<string?> Topic = Text("--topic", "Kafka: the topic.", "NAME");
    private static readonly Option<bool> Tls = new("--tls") { Description = "Kafka: TLS to the brokers." };
    private static readonly Option<string?> User = Text(
        "--user", "Kafka: the user of SASL PLAIN; needs --tls.", "NAME");
    private static readonly Option<string?> Password = Text(
        "--password-file", "Kafka: a file with the password.", "FILE");
    private static readonly Option<string?> Ca =
        Text("--ca-file", "Webhook, Kafka: certificates in PEM to trust instead of the system's.", "FILE");

    /// <summary>Options that go into the endpoint's JSON as they are.</summary>
    private static readonly (Option<string?> Option, string Member)[] Texts =
    [
        (Text("--retention", "How long events are kept. Default: 1d.", "TIME"), "retention"),
        (Text("--retention-size", "How much is kept at most.", "SIZE"), "retentionSize"),
        (Text("--timeout", "Webhook, Kafka: how long an answer may take. Default: 30s.", "TIME"), "timeout"),
        (Text("--rotate-size", "Files: when the next one is begun. Default: 64MiB.", "SIZE"), "rotateSize"),
        (Text("--rotate-after", "Files: when the next one is begun at the latest. Default: 1h.", "TIME"),
            "rotateAfter"),
    ];

    private static readonly (Option<string?> Option, string Member)[] Delivery =
    [
        (Text("--batch-size", "Most bytes of one delivery.", "SIZE"), "batchSize"),
        (Text("--linger", "How long a delivery waits for more events.", "TIME"), "linger"),
        (Text("--max-age", "When an event that cannot be delivered becomes a dead letter. Default: 1d.", "TIME"),
            "maxAge"),
    ];

    private static readonly Option<bool> Keys = new("--keys") { Description = "Show keys and passwords too." };

    public static Command Create() => new("endpoint", "Make, list and remove what routes lead to.")
    {
        HubVerb.Create(
            "add",
            "Make or change an endpoint: a stream that clients read, or with --url, "
            + "--directory or --brokers one that the hub "
            + "delivers.",
            AddAsync,
            [
                Name, Partitions, Url, Secret, Directory, Brokers, Topic, Tls, User, Password, Ca,
                .. Texts.Concat(Delivery).Select(static text => text.Option),
            ]),
        HubVerb.Create("list", "List the custom endpoints, and how their deliveries go.", ListAsync),
        HubVerb.Create("show", "Show an endpoint and how its deliveries go.", ShowAsync, Name, Keys),
        HubVerb.Create("remove", "Remove an endpoint and the events that it holds.", RemoveAsync, Name),
    };

    private static Option<string?> Text(string name, string description, string helpName) =>
        new(name) { Description = description, HelpName = helpName };

    private static async Task<int> AddAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(Name)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var made = await rest.SendAsync(
            HttpMethod.Put, RoutingRest.PathOf("endpoints", name), BodyOf(parsed).ToJsonString(), null,
            $"endpoint '{name}' was not added", cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
            RoutingRest.Print(made, isJson: true);
        return ExitCode.Done;
    }

    private static JsonObject BodyOf(ParseResult parsed)
    {
        var kinds = new[] { (Url, "webhook"), (Directory, "files"), (Brokers, "kafka") }
            .Where(kind => parsed.GetValue(kind.Item1) is not null).Select(static kind => kind.Item2).ToList();
        if (kinds.Count > 1)
            throw new CommandFailedException("--url, --directory and --brokers exclude each other.", ExitCode.Usage);
        var body = new JsonObject { ["type"] = kinds.Count == 1 ? kinds[0] : "stream" };
        void Put(string member, JsonNode? value)
        {
            if (value is not null)
                body[member] = value;
        }
        Put("partitions", parsed.GetValue(Partitions) is { } partitions ? partitions : null);
        Put("url", parsed.GetValue(Url));
        Put("secret", SecretOf(parsed, Secret));
        Put("directory", parsed.GetValue(Directory));
        Put("bootstrapServers", parsed.GetValue(Brokers));
        Put("topic", parsed.GetValue(Topic));
        Put("tls", parsed.GetValue(Tls) ? true : null);
        Put("userName", parsed.GetValue(User));
        Put("password", SecretOf(parsed, Password));
        Put("caCertificates", FileOf(parsed, Ca));
        foreach (var (option, member) in Texts)
            Put(member, parsed.GetValue(option));
        var delivery = new JsonObject();
        foreach (var (option, member) in Delivery)
        {
            if (parsed.GetValue(option) is { } value)
                delivery[member] = value;
        }
        Put("delivery", delivery.Count > 0 ? delivery : null);
        return body;
    }

    /// <summary>The first line of a file: keys and passwords do not belong on a command line.</summary>
    private static string? SecretOf(ParseResult parsed, Option<string?> option) =>
        FileOf(parsed, option)?.Split('\n', 2)[0].Trim();

    private static string? FileOf(ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } file)
            return null;
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"'{file}' cannot be read: {e.Message}", inner: e);
        }
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var all = new List<JsonElement>();
        foreach (var listed in await RoutingRest.ListAsync(rest, "endpoints", cancellationToken))
        {
            // The list is what can be applied again; how an endpoint does is told by each alone.
            var path = RoutingRest.PathOf("endpoints", Output.TextOf(listed, "name"));
            var shown = await rest.SendAsync(
                HttpMethod.Get, path, null, null, "endpoints were not listed", cancellationToken);
            all.Add(shown ?? listed);
        }
        if (parsed.GetValue(HubVerb.Json))
        {
            foreach (var endpoint in all)
                Output.JsonLine(endpoint);
            return ExitCode.Done;
        }
        Output.Table(
            ["Endpoint", "Type", "To", "Kept", "Health", "Waiting"],
            all.Select(static endpoint => new[]
            {
                Output.TextOf(endpoint, "name"),
                Output.TextOf(endpoint, "type"),
                Output.TextOf(endpoint, "url") + Output.TextOf(endpoint, "directory")
                    + Output.TextOf(endpoint, "topic"),
                Output.TextOf(endpoint, "retention"),
                Output.TextOf(endpoint, "status", "health"),
                Output.TextOf(endpoint, "status", "lagEvents"),
            }));
        return ExitCode.Done;
    }

    private static async Task<int> ShowAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(Name)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var path = RoutingRest.PathOf("endpoints", name) + (parsed.GetValue(Keys) ? "?keys=true" : "");
        var endpoint = await rest.SendAsync(
            HttpMethod.Get, path, null, null, $"endpoint '{name}' was not found", cancellationToken);
        RoutingRest.Print(endpoint, parsed.GetValue(HubVerb.Json));
        return ExitCode.Done;
    }

    private static async Task<int> RemoveAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(Name)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        await rest.SendAsync(
            HttpMethod.Delete, RoutingRest.PathOf("endpoints", name), null, null, $"endpoint '{name}' was not removed",
            cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
            Console.Out.WriteLine(new JsonObject { ["name"] = name, ["removed"] = true }.ToJsonString());
        return ExitCode.Done;
    }
}
