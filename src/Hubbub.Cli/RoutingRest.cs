using System.CommandLine;
using System.Text.Json;

namespace Hubbub.Cli;

/// <summary>Calls of the hub's routing service, for the verbs that share them.</summary>
internal static class RoutingRest
{
    public const string Path = "/hubbub/routing";
    private const int NameLengthMax = 64;
    private const string BuiltIn = "events";

    /// <summary>The endpoint that was named; null when that is none, or the one that every hub has.</summary>
    public static string? CustomEndpointOf(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) is { } name && !name.Equals(BuiltIn, StringComparison.OrdinalIgnoreCase) ? name : null;

    /// <summary>The path of one thing.</summary>
    public static string PathOf(string things, string name) => name.Length > NameLengthMax
        ? throw new CommandFailedException(
            $"'{name[..NameLengthMax]}...' is too long: names have {NameLengthMax} characters at most.")
        : $"{Path}/{things}/{PathSegment.Of(name, "one of the " + things)}";

    /// <summary>The entries of one list of the whole configuration.</summary>
    public static async Task<IReadOnlyList<JsonElement>> ListAsync(
        HubRest rest, string things, CancellationToken cancellationToken)
    {
        var all = await rest.SendAsync(
            HttpMethod.Get, Path, null, null, $"{things} were not listed", cancellationToken);
        return all is { ValueKind: JsonValueKind.Object } found && found.TryGetProperty(things, out var list)
            ? [.. list.EnumerateArray()]
            : [];
    }

    /// <summary>Prints a thing: one line of JSON, or its members a line each.</summary>
    public static void Print(JsonElement? thing, bool isJson)
    {
        if (thing is not { ValueKind: JsonValueKind.Object } found)
            return;
        if (isJson)
        {
            Output.JsonLine(found);
            return;
        }
        PrintMembers(found, "");
    }

    private static void PrintMembers(JsonElement json, string prefix)
    {
        foreach (var member in json.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Object)
                PrintMembers(member.Value, $"{prefix}{member.Name}.");
            else if (member.Value.ValueKind != JsonValueKind.Null)
                Console.Out.WriteLine($"{prefix}{member.Name}: {Output.TextOf(json, member.Name)}");
        }
    }
}
