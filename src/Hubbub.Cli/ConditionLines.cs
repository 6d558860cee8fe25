using System.Text.Json;
using System.Text.Json.Nodes;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Cli;

/// <summary>
/// Evaluates conditions without a hub, for tests and editors: a line in, a line out, in the same order.
/// </summary>
internal static class ConditionLines
{
    /// <summary>
    /// Reads <c>{"condition":"...","message":{...}}</c> lines to the end and writes
    /// <c>{"value":"true|false|undefined","error":null}</c> for each, or what is wrong and where.
    /// </summary>
    public static async Task RunAsync(TextReader input, TextWriter output, CancellationToken cancellationToken)
    {
        while (await input.ReadLineAsync(cancellationToken) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            await output.WriteLineAsync(Answer(line).ToJsonString(Output.ReadableJson).AsMemory(), cancellationToken);
            await output.FlushAsync(cancellationToken);
        }
    }

    private static JsonObject Answer(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind != JsonValueKind.Object
                || !json.RootElement.TryGetProperty("condition", out var condition)
                || condition.ValueKind != JsonValueKind.String)
                return Failure("The line must be an object with a condition and a message.");
            if (!json.RootElement.TryGetProperty("message", out var message))
                message = JsonDocument.Parse("{}").RootElement;
            var sample = SampleMessage.Read(message);
            return sample.IsOk ? Evaluate(condition.GetString()!, sample.Value) : Failure(sample.Error!.Message);
        }
        catch (JsonException e)
        {
            return Failure($"The line is not JSON: {e.Message}");
        }
    }

    private static JsonObject Evaluate(string text, SampleMessage sample)
    {
        var (condition, errors) = Condition.Parse(text, sample.Source);
        if (condition is null)
            return new JsonObject { ["value"] = null, ["error"] = Describe(errors[0]) };
        var view = sample.AsView();
        var value = condition.Evaluate(ref view).ToString().ToLowerInvariant();
        return new JsonObject { ["value"] = value, ["error"] = null };
    }

    private static JsonObject Describe(ConditionError error) => new()
    {
        ["message"] = error.Message,
        ["severity"] = "error",
        ["line"] = error.Start.Line,
        ["column"] = error.Start.Column,
        ["expected"] = error.Expected,
        ["location"] = new JsonObject { ["start"] = Describe(error.Start), ["end"] = Describe(error.End) },
    };

    private static JsonObject Describe(ConditionPosition position) =>
        new() { ["line"] = position.Line, ["column"] = position.Column };

    private static JsonObject Failure(string message) =>
        new() { ["value"] = null, ["error"] = new JsonObject { ["message"] = message, ["severity"] = "error" } };
}
