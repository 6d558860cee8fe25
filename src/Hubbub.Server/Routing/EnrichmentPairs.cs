using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Core.Routing;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Routing;

/// <summary>The application properties that an endpoint's messages are given, encoded once.</summary>
internal sealed class EnrichmentPairs
{
    // A data section without a byte in it: 0x00 0x53 0x75 = described, smallulong, amqp:data:binary; 0xa0 = vbin8.
    private static readonly byte[] EmptyBody = [0x00, 0x53, 0x75, 0xa0, 0];

    [ThreadStatic]
    private static ByteBuffer? t_output;

    private readonly byte[][] _keys;
    private readonly byte[] _pairs;

    private EnrichmentPairs(IReadOnlyList<Enrichment> enrichments, string hubName)
    {
        _keys = [.. enrichments.Select(static e => Encoding.UTF8.GetBytes(e.Key))];
        using var buffer = new ByteBuffer();
        var writer = new AmqpWriter(buffer);
        foreach (var enrichment in enrichments)
        {
            writer.WriteString(enrichment.Key);
            // There are no twins yet; a path that leads nowhere gives its own text.
            writer.WriteString(enrichment.Value == Enrichment.HubName ? hubName : enrichment.Value);
        }
        _pairs = buffer.WrittenSpan.ToArray();
    }

    /// <summary>What an endpoint's messages are given; null for nothing.</summary>
    public static EnrichmentPairs? Of(RoutingConfiguration configuration, string endpoint, string hubName)
    {
        var enrichments = configuration.Enrichments
            .Where(e => e.Endpoints.Contains(endpoint, StringComparer.OrdinalIgnoreCase)).ToList();
        return enrichments.Count == 0 ? null : new EnrichmentPairs(enrichments, hubName);
    }

    /// <summary>
    /// The message from its properties on, with the pairs among its application properties. What the device set under
    /// the same name is replaced, for what the hub says is meant to be relied on.
    /// </summary>
    /// <returns>Memory of this thread, valid until the next call on it.</returns>
    public ReadOnlySpan<byte> Apply(scoped ref readonly MessageSections message)
    {
        var output = t_output ??= new ByteBuffer();
        if (output.Length > MessageLimits.ScratchBytesKept)
            output.Release();
        output.Clear();
        output.Write(message.PropertiesSection.Span);
        var writer = new AmqpWriter(output);
        var mark = writer.BeginApplicationProperties();
        var count = _keys.Length * 2;
        if (message.ApplicationProperties is { } properties)
        {
            foreach (var (key, value) in properties)
            {
                if (IsOurs(key.Encoded.Span))
                    continue;
                writer.WriteValue(key);
                writer.WriteValue(value);
                count += 2;
            }
        }
        output.Write(_pairs);
        writer.EndMap(mark, count);
        output.Write(message.Body == BodyKind.None ? EmptyBody : message.BodySections.Span);
        return output.WrittenSpan;
    }

    private bool IsOurs(ReadOnlySpan<byte> key)
    {
        var name = key[AmqpText.ContentOf(key)];
        foreach (var ours in _keys)
        {
            if (name.SequenceEqual(ours))
                return true;
        }
        return false;
    }
}
