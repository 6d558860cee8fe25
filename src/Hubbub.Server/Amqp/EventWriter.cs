using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Core.Events;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp;

/// <summary>
/// Writes stored events as messages: one annotations section with the numbers of the event in front of the stored
/// pairs, then the stored sections. The part that is alike for all is encoded once and patched.
/// </summary>
internal static class EventWriter
{
    private const int OffsetDigitsMax = 20;

    // 0x00 0x53 0x72 = described, smallulong, amqp:message-annotations:map; 0xd1 = map32: size u32, count u32.
    private static readonly byte[] Head = [0x00, 0x53, 0x72, 0xd1, 0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] SequenceKey = [.. Key(HubAnnotations.SequenceNumber), FormatCode.Long];
    private static readonly byte[] EnqueuedKey = [.. Key(HubAnnotations.EnqueuedTime), FormatCode.Timestamp];
    private static readonly byte[] HubEnqueuedKey = [.. Key(HubAnnotations.IotHubEnqueuedTime), FormatCode.Timestamp];
    private static readonly byte[] OffsetKey = [.. Key(HubAnnotations.Offset), FormatCode.String8];
    private static readonly int SequenceAt = Head.Length + SequenceKey.Length;
    private static readonly int EnqueuedAt = SequenceAt + sizeof(long) + EnqueuedKey.Length;
    private static readonly int HubEnqueuedAt = EnqueuedAt + sizeof(long) + HubEnqueuedKey.Length;
    private static readonly byte[] Fixed =
    [
        .. Head, .. SequenceKey, .. new byte[sizeof(long)], .. EnqueuedKey, .. new byte[sizeof(long)],
        .. HubEnqueuedKey, .. new byte[sizeof(long)], .. OffsetKey,
    ];

    /// <summary>Most bytes that <see cref="WriteMetrics"/> appends.</summary>
    public const int MetricsSizeMax = 192;

    /// <summary>Most bytes that <see cref="Write"/> appends for an event.</summary>
    public static int SizeOf(in EventView view) =>
        Fixed.Length + 1 + OffsetDigitsMax + view.Stamp.Length + view.Annotations.Length + view.Sections.Length;

    /// <summary>Appends the message of an event.</summary>
    public static void Write(ByteBuffer output, in EventView view)
    {
        Span<byte> digits = stackalloc byte[OffsetDigitsMax];
        Utf8Formatter.TryFormat(view.Offset, digits, out var digitCount);
        var annotationsLength = Fixed.Length + 1 + digitCount + view.Stamp.Length + view.Annotations.Length;
        var span = output.GetSpan(annotationsLength + view.Sections.Length);
        Fixed.CopyTo(span);
        // AMQP 1.6.23: the size of a map32 counts what follows the size field.
        BinaryPrimitives.WriteInt32BigEndian(span[4..], annotationsLength - 8);
        BinaryPrimitives.WriteInt32BigEndian(span[8..], 8 + view.AnnotationCount);
        BinaryPrimitives.WriteInt64BigEndian(span[SequenceAt..], view.SequenceNumber);
        BinaryPrimitives.WriteInt64BigEndian(span[EnqueuedAt..], view.EnqueuedTimeMs);
        BinaryPrimitives.WriteInt64BigEndian(span[HubEnqueuedAt..], view.EnqueuedTimeMs);
        var at = Fixed.Length;
        span[at++] = (byte)digitCount;
        digits[..digitCount].CopyTo(span[at..]);
        at += digitCount;
        view.Stamp.CopyTo(span[at..]);
        at += view.Stamp.Length;
        view.Annotations.CopyTo(span[at..]);
        at += view.Annotations.Length;
        view.Sections.CopyTo(span[at..]);
        output.Advance(annotationsLength + view.Sections.Length);
    }

    /// <summary>
    /// Appends delivery annotations that tell how far the partition has come, for readers that asked for them.
    /// </summary>
    public static void WriteMetrics(ByteBuffer output, PartitionState state, DateTimeOffset now)
    {
        var writer = new AmqpWriter(output);
        writer.WriteDescriptor(Hubbub.Amqp.Performatives.SectionDescriptor.DeliveryAnnotations);
        var mark = writer.BeginMap();
        writer.WriteSymbol("last_enqueued_sequence_number");
        writer.WriteLong(state.LastSequenceNumber);
        writer.WriteSymbol("last_enqueued_offset");
        writer.WriteString(state.LastOffset.ToString(System.Globalization.CultureInfo.InvariantCulture));
        writer.WriteSymbol("last_enqueued_time_utc");
        writer.WriteTimestamp(new Timestamp(state.LastEnqueuedTimeMs));
        writer.WriteSymbol("runtime_info_retrieval_time_utc");
        writer.WriteTimestamp(now);
        writer.EndMap(mark, 8);
    }

    private static byte[] Key(string name) => [FormatCode.Symbol8, (byte)name.Length, .. Encoding.ASCII.GetBytes(name)];
}
