using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Server.Amqp;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Tests.Routing.Sinks;

/// <summary>Events as the hub stores them.</summary>
internal static class StoredEvents
{
    public const long TimeMs = 1_777_623_045_678; // 2026-05-01T08:10:45.678Z

    public static Properties Json { get; } = new() { ContentType = "application/json", ContentEncoding = "utf-8" };

    public static StoredEvent Make(
        string body, long number = 0, Properties? properties = null, AmqpMap? application = null) =>
        Make(
            new OutgoingMessage
            {
                Properties = properties,
                ApplicationProperties = application,
                Data = Encoding.UTF8.GetBytes(body),
            },
            number);

    public static StoredEvent Make(
        OutgoingMessage message, long number = 0, byte[]? annotations = null, int annotationCount = 0)
    {
        var (stamp, count) = HubAnnotations.Stamp("press-1", "m1", "gen1", "{\"scope\":\"device\"}", null);
        return new StoredEvent
        {
            SequenceNumber = number,
            EnqueuedTimeMs = TimeMs + number,
            Stamp = stamp,
            Annotations = annotations ?? [],
            AnnotationCount = count + annotationCount,
            Sections = message.ToArray(),
        };
    }

    public static StoredEvent[] Several(int count) =>
        [.. Enumerable.Range(0, count).Select(i => Make($"{{\"n\":{i}}}", i, Json))];

    /// <summary>Annotation pairs with symbols as keys.</summary>
    public static (byte[] Pairs, int Count) Pairs(params (string Key, AmqpValue Value)[] entries)
    {
        using var buffer = new ByteBuffer();
        var writer = new AmqpWriter(buffer);
        foreach (var (key, value) in entries)
        {
            writer.WriteSymbol(key);
            writer.WriteValue(value);
        }
        return (buffer.WrittenSpan.ToArray(), entries.Length * 2);
    }

    public static AmqpMap Map(params (string Key, AmqpValue Value)[] entries)
    {
        var map = new AmqpMapBuilder(MapKeyKind.String);
        foreach (var (key, value) in entries)
            map.Add(key, value);
        return map.Build();
    }
}
