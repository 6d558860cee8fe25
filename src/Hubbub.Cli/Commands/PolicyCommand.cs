using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub policy ...</c>: the shared access policies, whose keys open the hub to services.</summary>
internal static class PolicyCommand
{
    private const string Path = "/hubbub/policies";

    private static readonly Argument<string> Name =
        new("NAME") { Description = "The policy's name; case does not matter." };

    private static readonly Option<string[]> Rights = new("--rights")
    {
        Description = "RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect; several with commas.",
        HelpName = "RIGHTS",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string> Key = new("--key")
    {
        Description = "Which key to replace; users of the other one notice nothing.",
        HelpName = "primary|secondary",
        Required = true,
    };

    private static readonly Option<bool> ShowKeys = new("--show-keys") { Description = "Print the keys as well." };

    static PolicyCommand() => Key.AcceptOnlyFromAmong("primary", "secondary");

    public static Command Create() => new("policy", "List, add and remove access policies; replace their keys.")
    {
        HubVerb.Create("list", "List the policies and their rights.", ListAsync, ShowKeys),
        HubVerb.Create("add", "Add a policy with two random keys.", AddAsync, Name, Rights, ShowKeys),
        HubVerb.Create("remove", "Remove a policy; whoever uses its keys is cut off.", RemoveAsync, Name),
        HubVerb.Create(
            "regenerate", "Replace one key of a policy by a random one.", RegenerateAsync, Name, Key, ShowKeys),
    };

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var policies = await rest.SendAsync(
            HttpMethod.Get, WithKeys(Path, parsed), null, null, "policies were not listed", cancellationToken);
        if (policies is { ValueKind: JsonValueKind.Array } list)
            Print(parsed, [.. list.EnumerateArray()]);
        return ExitCode.Done;
    }

    private static async Task<int> AddAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(Name)!;
        var rights = parsed.GetValue(Rights)!.SelectMany(each => each.Split(
            ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        var body = new JsonObject { ["rights"] = new JsonArray([.. rights.Select(each => JsonValue.Create(each))]) };
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var added = await rest.SendAsync(
            HttpMethod.Put, WithKeys(PathOf(name), parsed), body.ToJsonString(), null, $"policy '{name}' was not added",
            cancellationToken);
        if (added is { } policy)
            PrintChanged(parsed, policy);
        return ExitCode.Done;
    }

    private static async Task<int> RemoveAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(Name)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        await rest.SendAsync(
            HttpMethod.Delete, PathOf(name), null, null, $"policy '{name}' was not removed", cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
            Console.Out.WriteLine(new JsonObject { ["name"] = name, ["removed"] = true }.ToJsonString());
        return ExitCode.Done;
    }

    private static async Task<int> RegenerateAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (name, key) = (parsed.GetValue(Name)!, parsed.GetValue(Key)!);
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var changed = await rest.SendAsync(
            HttpMethod.Post,
            WithKeys($"{PathOf(name)}/regenerate", parsed),
            new JsonObject { ["key"] = key }.ToJsonString(),
            null,
            $"the {key} key of policy '{name}' was not replaced",
            cancellationToken);
        if (changed is { } policy)
            PrintChanged(parsed, policy);
        return ExitCode.Done;
    }

    /// <summary>After a change: silence, unless something was asked for.</summary>
    private static void PrintChanged(ParseResult parsed, JsonElement policy)
    {
        if (parsed.GetValue(HubVerb.Json) || parsed.GetValue(ShowKeys))
            Print(parsed, [policy]);
    }

    private static void Print(ParseResult parsed, IReadOnlyList<JsonElement> policies)
    {
        if (parsed.GetValue(HubVerb.Json))
        {
            foreach (var policy in policies)
                Output.JsonLine(policy);
            return;
        }
        var withKeys = parsed.GetValue(ShowKeys);
        Output.Table(
            withKeys ? ["Policy", "Rights", "Primary key", "Secondary key"] : ["Policy", "Rights"],
            policies.Select(policy => withKeys
                ? new[]
                {
                    Output.TextOf(policy, "name"),
                    RightsOf(policy),
                    Output.TextOf(policy, "primaryKey"),
                    Output.TextOf(policy, "secondaryKey"),
                }
                : [Output.TextOf(policy, "name"), RightsOf(policy)]));
    }

    private static string RightsOf(JsonElement policy) => policy.TryGetProperty("rights", out var rights)
        ? string.Join(", ", rights.EnumerateArray().Select(each => each.GetString()))
        : "";

    private static string WithKeys(string path, ParseResult parsed) =>
        parsed.GetValue(ShowKeys) ? path + "?keys=true" : path;

    private static string PathOf(string name) => $"{Path}/{PathSegment.Of(name, "a policy")}";
}
