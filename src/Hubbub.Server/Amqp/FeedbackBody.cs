using System.Globalization;
using System.Text.Json;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Commands;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp;

/// <summary>A feedback message on the wire: a JSON array of records.</summary>
internal static class FeedbackBody
{
    private const string ContentType = "application/vnd.microsoft.iothub.feedback.json";

    /// <summary>
    /// The whole message; clients refuse it without its content type, its user-id, or its enqueued time.
    /// </summary>
    public static OutgoingMessage Write(FeedbackMessage message, byte[] hubName) => new()
    {
        MessageAnnotations = new AmqpMapBuilder().Add(HubAnnotations.IotHubEnqueuedTime, message.EnqueuedAt).Build(),
        Properties = new Properties
        {
            MessageId = AmqpValue.From(message.LockToken.ToString()),
            UserId = hubName,
            To = AmqpValue.From("/messages/serviceBound/feedback"),
            ContentType = new Symbol(ContentType),
            CreationTime = message.EnqueuedAt,
        },
        Data = Records(message.Records),
    };

    private static byte[] Records(IReadOnlyList<FeedbackRecord> records)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartArray();
            foreach (var record in records)
            {
                // Azure's C SDK reads the outcome from the description, so that is the same word.
                var status = record.Outcome.ToString();
                json.WriteStartObject();
                json.WriteString("originalMessageId", record.OriginalMessageId ?? "");
                var happened = record.HappenedAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
                json.WriteString("enqueuedTimeUtc", happened);
                json.WriteString("statusCode", status);
                json.WriteString("description", status);
                json.WriteString("deviceId", record.Target.DeviceId);
                json.WriteString("deviceGenerationId", record.GenerationId);
                if (record.Target.ModuleId is { } moduleId)
                    json.WriteString("moduleId", moduleId);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        return stream.ToArray();
    }
}
