using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub route test</c>: which routes want a message, and why the others do not.</summary>
internal static class RouteTestCommand
{
    private static readonly Option<string?> Message = new("--message")
    {
        Description =
            "A message, or a file with one: {\"app\":{},\"sys\":{},\"body\":{}}; sys has the names behind the $.",
        HelpName = "JSON",
    };

    private static readonly Option<int?> Last =
        NumberOption.CreateOptional("--last", "Try the last N events instead.", 1, int.MaxValue);

    private static readonly Option<string?> Endpoint =
        new("--endpoint") { Description = "Of which endpoint's stream. Default: events.", HelpName = "NAME" };

    private static readonly Option<bool> Json = new("--json")
    {
        Description =
            "Print JSON. Without --message and --last: read {\"condition\":...,\"message\":...} a line from standard "
            + "input and print {\"value\":...,\"error\":...} a line, without a hub.",
    };

    public static Command Create()
    {
        var command = new Command("test", "Show which routes want a message, and why the others do not.")
        {
            Message, Last, Endpoint, HubVerb.Data, Json,
        };
        command.Validators.Add(result =>
        {
            var message = result.GetValue(Message);
            // Not its value, which may not be a number.
            var isLast = result.GetResult(Last) is not null;
            if (message is not null && isLast)
                result.AddError("--message and --last exclude each other.");
            if (message is null && !isLast && !result.GetValue(Json))
                result.AddError("Give --message JSON, --last N, or --json to read from standard input.");
            if (!isLast && result.GetValue(Endpoint) is not null)
                result.AddError("--endpoint goes with --last.");
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var isJson = parsed.GetValue(Json);
        var message = parsed.GetValue(Message);
        if (message is null && parsed.GetValue(Last) is null)
        {
            await ConditionLines.RunAsync(Console.In, Console.Out, cancellationToken);
            return ExitCode.Done;
        }
        var body = new JsonObject();
        if (message is not null)
            body["message"] = await ParseAsync(message, cancellationToken);
        if (parsed.GetValue(Last) is { } last)
            body["last"] = last;
        if (parsed.GetValue(Endpoint) is { } endpoint)
            body["endpoint"] = endpoint;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var tried = await rest.SendAsync(
            HttpMethod.Post, $"{RoutingRest.Path}/test", body.ToJsonString(), null, "nothing was tried",
            cancellationToken);
        foreach (var trial in tried is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : default)
        {
            if (isJson)
                Output.JsonLine(trial);
            else
                Print(trial);
        }
        return ExitCode.Done;
    }

    private static async Task<JsonNode?> ParseAsync(string text, CancellationToken cancellationToken)
    {
        if (!text.TrimStart().StartsWith('{'))
            text = await RouteCommand.ReadAsync(text, cancellationToken);
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException e)
        {
            throw new CommandFailedException($"the message is not JSON: {e.Message}", ExitCode.Usage, e);
        }
    }

    private static void Print(JsonElement trial)
    {
        var endpoints = string.Join(
            ", ", trial.GetProperty("endpoints").EnumerateArray().Select(static e => e.GetString()));
        Console.Out.WriteLine(
            $"{Output.TextOf(trial, "message")}: goes to {(endpoints.Length == 0 ? "nobody" : endpoints)}");
        foreach (var route in trial.GetProperty("routes").EnumerateArray())
        {
            var matches = route.GetProperty("matches").GetBoolean();
            Console.Out.WriteLine(
                $"  {(matches ? "yes" : "no ")} {Output.TextOf(route, "name")} -> {Output.TextOf(route, "endpoint")}");
            if (Output.TextOf(route, "why") is { Length: > 0 } why)
                Console.Out.WriteLine($"        {why}");
            if (!matches)
                PrintClause(route.GetProperty("condition"), "        ");
        }
    }

    private static void PrintClause(JsonElement clause, string indent)
    {
        var reason = Output.TextOf(clause, "reason");
        var value = Output.TextOf(clause, "value");
        var text = Output.TextOf(clause, "text").ReplaceLineEndings(" ");
        Console.Out.WriteLine($"{indent}{value,-9} {text}{(reason.Length == 0 ? "" : $"   ({reason})")}");
        if (!clause.TryGetProperty("parts", out var parts))
            return;
        foreach (var part in parts.EnumerateArray())
            PrintClause(part, indent + "  ");
    }
}
