using System.Globalization;

namespace Hubbub.Client;

/// <summary>Where in a partition reading begins.</summary>
public readonly record struct EventPosition
{
    private readonly string? _filter;

    private EventPosition(string filter) => _filter = filter;

    /// <summary>The oldest event that is kept.</summary>
    public static EventPosition Start { get; } = new("amqp.annotation.x-opt-offset > '-1'");

    /// <summary>Behind the newest event: only what comes after the link is attached.</summary>
    public static EventPosition End { get; } = new("amqp.annotation.x-opt-offset > '@latest'");

    /// <summary>From a sequence number on, or behind it.</summary>
    public static EventPosition FromSequenceNumber(long sequenceNumber, bool isInclusive = true) =>
        new(string.Create(
            CultureInfo.InvariantCulture,
            $"amqp.annotation.x-opt-sequence-number {Operator(isInclusive)} '{sequenceNumber}'"));

    /// <summary>From an offset on, or behind it: for one partition only.</summary>
    /// <param name="offset">An event's <see cref="ReceivedEvent.Offset"/>.</param>
    /// <param name="isInclusive">False to begin with the event after it, as one does when resuming.</param>
    /// <exception cref="FormatException">It is no offset.</exception>
    public static EventPosition FromOffset(string offset, bool isInclusive = false)
    {
        // It goes into an expression, so that nothing but what offsets are made of may pass.
        foreach (var character in offset)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character is not ('-' or '@' or ':' or '_' or '.'))
                throw new FormatException($"'{offset}' is no offset.");
        }
        return new EventPosition($"amqp.annotation.x-opt-offset {Operator(isInclusive)} '{offset}'");
    }

    /// <summary>From the first event that the hub took at this time or later; whole milliseconds.</summary>
    public static EventPosition FromEnqueuedTime(DateTimeOffset time) =>
        // The selector of time knows only "later than" in every server (eventhubs.md 4).
        new(string.Create(
            CultureInfo.InvariantCulture,
            $"amqp.annotation.x-opt-enqueued-time > '{time.ToUnixTimeMilliseconds() - 1}'"));

    /// <summary>The selector that the hub is sent.</summary>
    public override string ToString() => Filter;

    internal bool IsEnd => _filter == End._filter;

    internal string Filter => _filter ?? Start._filter!;

    private static string Operator(bool isInclusive) => isInclusive ? ">=" : ">";
}
