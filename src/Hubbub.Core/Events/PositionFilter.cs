using System.Buffers;
using System.Globalization;

namespace Hubbub.Core.Events;

/// <summary>
/// The selector with which a reader names where it starts: one comparison,
/// <c>amqp.annotation.{x-opt-offset|x-opt-sequence-number|x-opt-enqueued-time} {&gt;|&gt;=|=} {value}</c>,
/// the value with or without single quotes, white space where it pleases.
/// </summary>
public static class PositionFilter
{
    /// <summary>Characters in a selector; real ones stay below 80.</summary>
    public const int LengthMax = 1024;

    private const int QuotedLengthMax = 128;
    private const string Prefix = "amqp.annotation.";
    private const string LatestValue = "@latest";

    private static readonly SearchValues<char> NameEnds = SearchValues.Create(" \t\r\n<>=!'");

    private static readonly (string Name, EventPositionKind Kind)[] Names =
    [
        ("x-opt-offset", EventPositionKind.Offset),
        ("x-opt-sequence-number", EventPositionKind.SequenceNumber),
        ("x-opt-enqueued-time", EventPositionKind.EnqueuedTime),
        ("x-opt-enqueuedtimeutc", EventPositionKind.EnqueuedTime), // The old spelling; some tools still send it.
    ];

    /// <summary>Reads a selector.</summary>
    /// <returns>The position, or ArgumentInvalid that quotes the selector and names the place.</returns>
    public static HubResult<EventPosition> Parse(string selector)
    {
        ArgumentNullException.ThrowIfNull(selector);
        var at = 0;
        if (selector.Length > LengthMax)
            return Refuse(selector, 0, $"it is {selector.Length} characters long, at most {LengthMax} are allowed");
        SkipWhiteSpace(selector, ref at);
        if (!TakeName(selector, ref at, out var kind))
            return Refuse(selector, at, $"expected {Prefix}x-opt-offset, x-opt-sequence-number or x-opt-enqueued-time");
        SkipWhiteSpace(selector, ref at);
        if (!TakeOperator(selector, ref at, out var inclusive))
            return Refuse(selector, at, "expected one of > >= = (a start position cannot be given by < or <=)");
        SkipWhiteSpace(selector, ref at);
        var valueAt = at;
        if (!TakeValue(selector, ref at, out var value))
            return Refuse(selector, valueAt, "expected a value, or the quote that ends it");
        SkipWhiteSpace(selector, ref at);
        if (at < selector.Length)
            return Refuse(selector, at, "expected the end: one comparison is allowed");

        if (value is LatestValue)
            return EventPosition.Latest;
        if (!long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return Refuse(selector, valueAt, $"expected {LatestValue} or a whole number of 64 bits");
        // `> -1` is the clients' spelling of "everything"; other negative numbers lie before the first event as well.
        return number < 0 ? EventPosition.Earliest : new EventPosition(kind, number, inclusive);
    }

    private static bool TakeName(string text, ref int at, out EventPositionKind kind)
    {
        kind = default;
        var rest = text.AsSpan(at);
        if (!rest.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            return false;
        var name = rest[Prefix.Length..];
        var end = name.IndexOfAny(NameEnds);
        name = end < 0 ? name : name[..end];
        foreach (var (known, itsKind) in Names)
        {
            if (!name.Equals(known, StringComparison.OrdinalIgnoreCase))
                continue;
            kind = itsKind;
            at += Prefix.Length + known.Length;
            return true;
        }
        at += Prefix.Length;
        return false;
    }

    private static bool TakeOperator(string text, ref int at, out bool inclusive)
    {
        var rest = text.AsSpan(at);
        inclusive = !rest.StartsWith(">") || rest.StartsWith(">=");
        var length = rest.StartsWith(">=") ? 2 : rest.StartsWith(">") || rest.StartsWith("=") ? 1 : 0;
        at += length;
        return length > 0;
    }

    private static bool TakeValue(string text, ref int at, out ReadOnlySpan<char> value)
    {
        var rest = text.AsSpan(at);
        if (rest.StartsWith("'"))
        {
            var end = rest[1..].IndexOf('\'');
            value = end < 0 ? default : rest.Slice(1, end);
            at += end < 0 ? 0 : end + 2;
        }
        else
        {
            var end = rest.IndexOfAny(" \t\r\n");
            value = end < 0 ? rest : rest[..end];
            at += value.Length;
        }
        return !value.IsEmpty;
    }

    private static void SkipWhiteSpace(string text, ref int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t' or '\r' or '\n')
            at++;
    }

    private static HubError Refuse(string selector, int at, string why)
    {
        var quoted = selector.Length > QuotedLengthMax ? selector[..QuotedLengthMax] + "..." : selector;
        return new(
            HubErrorCode.ArgumentInvalid, $"The filter \"{quoted}\" is not understood at character {at + 1}: {why}.");
    }
}
