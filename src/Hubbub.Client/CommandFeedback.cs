using System.Text.Json;

namespace Hubbub.Client;

/// <summary>What became of a command, as the hub tells the services.</summary>
/// <param name="MessageId">The command's message-id (originalMessageId).</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Status">The outcome in the hub's word (statusCode).</param>
/// <param name="DeviceId">The device.</param>
/// <param name="ModuleId">The module, if it was for one.</param>
/// <param name="DeviceGenerationId">Which registration of the device it was.</param>
/// <param name="Time">When the outcome occurred.</param>
public sealed record CommandFeedback(
    string MessageId,
    CommandOutcome Outcome,
    string Status,
    string DeviceId,
    string? ModuleId,
    string? DeviceGenerationId,
    DateTimeOffset Time)
{
    /// <summary>Reads the body of a feedback message (amqp.md 6): a JSON array of records.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    internal static List<CommandFeedback> Parse(ReadOnlyMemory<byte> body)
    {
        using var document = JsonDocument.Parse(body);
        var result = new List<CommandFeedback>();
        if (document.RootElement.ValueKind != JsonValueKind.Array)
            throw new JsonException("The body is no array.");
        foreach (var record in document.RootElement.EnumerateArray())
        {
            if (record.ValueKind != JsonValueKind.Object)
                throw new JsonException("A record is no object.");
            var status = TextOf(record, "statusCode") ?? TextOf(record, "description") ?? "";
            result.Add(new CommandFeedback(
                TextOf(record, "originalMessageId") ?? "",
                Enum.TryParse<CommandOutcome>(status, ignoreCase: true, out var outcome) && Enum.IsDefined(outcome)
                    ? outcome
                    : CommandOutcome.Unknown,
                status,
                TextOf(record, "deviceId") ?? "",
                TextOf(record, "moduleId"),
                TextOf(record, "deviceGenerationId"),
                record.TryGetProperty("enqueuedTimeUtc", out var time) && time.TryGetDateTimeOffset(out var happened)
                    ? happened
                    : default));
        }
        return result;
    }

    private static string? TextOf(JsonElement record, string name) =>
        record.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
