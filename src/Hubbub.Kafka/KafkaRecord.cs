using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Hubbub.Amqp.Codec;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Server.Routing.Sinks;

namespace Hubbub.Kafka;

/// <summary>
/// Stored events as Kafka records: the device's id is the key, the body the value, properties are headers. See
/// docs/wire/endpoints.md.
/// </summary>
internal static class KafkaRecord
{
    /// <summary>Stands before the name of a sender's property that could pass for one of the hub's own.</summary>
    private const string SenderPrefix = "property.";

    private static readonly HashSet<string> OwnNames = new(StringComparer.OrdinalIgnoreCase)
    {
        "message-id", "correlation-id", "user-id", "content-type", "content-encoding",
    };

    public static Message<byte[]?, byte[]> Of(string endpoint, in StoredEvent stored)
    {
        var message = new StoredMessage(stored);
        var headers = new Headers
        {
            { "hubbub-endpoint", Encoding.UTF8.GetBytes(endpoint) },
            { "hubbub-sequence-number", Text(stored.SequenceNumber.ToString(CultureInfo.InvariantCulture)) },
        };
        foreach (var (key, value) in message.Annotations)
        {
            if (PropertyText.Of(key) is { } name
                && (name.StartsWith("iothub-", StringComparison.Ordinal) || !IsOwn(name)))
                headers.Add(name, TextOf(value));
        }
        if (message.Properties is { } properties)
        {
            Add(headers, "message-id", properties.MessageId);
            Add(headers, "correlation-id", properties.CorrelationId);
            if (properties.UserId is { } user)
                headers.Add("user-id", user.ToArray());
            if (properties.ContentType is { } type)
                headers.Add("content-type", Text(type.Value));
            if (properties.ContentEncoding is { } encoding)
                headers.Add("content-encoding", Text(encoding.Value));
        }
        foreach (var (key, value) in message.ApplicationProperties)
        {
            if (PropertyText.Of(key) is { } name)
                headers.Add(IsOwn(name) ? SenderPrefix + name : name, TextOf(value));
        }
        return new Message<byte[]?, byte[]>
        {
            Key = message.DeviceId is { } device ? Encoding.UTF8.GetBytes(device) : null,
            Value = message.Body.ToArray(),
            Headers = headers,
            Timestamp = new Confluent.Kafka.Timestamp(stored.EnqueuedTimeMs, TimestampType.CreateTime),
        };
    }

    private static bool IsOwn(string name) =>
        OwnNames.Contains(name)
        || name.StartsWith("iothub-", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("hubbub-", StringComparison.OrdinalIgnoreCase);

    private static void Add(Headers headers, string name, AmqpValue? value)
    {
        if (value is { IsNull: false } present)
            headers.Add(name, TextOf(present));
    }

    private static byte[]? TextOf(AmqpValue value) => PropertyText.Of(value) is { } text ? Text(text) : null;

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);
}
