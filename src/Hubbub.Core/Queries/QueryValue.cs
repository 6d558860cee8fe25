using System.Text.Json.Nodes;

namespace Hubbub.Core.Queries;

/// <summary>What a value of a query is.</summary>
public enum QueryKind : byte
{
    /// <summary>Not there at all: a comparison with it is neither true nor false.</summary>
    Undefined,
    Null,
    Boolean,
    Number,
    Text,

    /// <summary>A point in time; compared with texts as they are read as times.</summary>
    Time,

    /// <summary>An object or array; it can be shown and looked into, but not compared.</summary>
    Composite,
}

/// <summary>One value while a query runs.</summary>
public readonly struct QueryValue
{
    private readonly double _number;
    private readonly object? _reference;

    private QueryValue(QueryKind kind, double number, object? reference) =>
        (Kind, _number, _reference) = (kind, number, reference);

    public QueryKind Kind { get; }

    public static QueryValue Undefined => default;

    public static QueryValue Null => new(QueryKind.Null, 0, null);

    public static QueryValue True => new(QueryKind.Boolean, 1, null);

    public static QueryValue False => new(QueryKind.Boolean, 0, null);

    public bool IsTrue => Kind == QueryKind.Boolean && _number != 0;

    public bool IsFalse => Kind == QueryKind.Boolean && _number == 0;

    public bool IsDefined => Kind != QueryKind.Undefined;

    public double Number => _number;

    /// <summary>The text of a text, the ISO 8601 form of a time.</summary>
    public string? Text => _reference as string;

    public JsonNode? Composite => _reference as JsonNode;

    public static QueryValue Of(bool value) => value ? True : False;

    public static QueryValue Of(double value) => new(QueryKind.Number, value, null);

    /// <summary>A text, or null.</summary>
    public static QueryValue Of(string? value) => value is null ? Null : new(QueryKind.Text, 0, value);

    /// <summary>A time with the text that shows it.</summary>
    public static QueryValue Of(DateTimeOffset time, string text) => new(QueryKind.Time, time.UtcTicks, text);

    /// <summary>What a JSON node stands for.</summary>
    public static QueryValue Of(JsonNode? node) => node switch
    {
        null => Null,
        JsonValue value when value.TryGetValue<string>(out var text) => Of(text),
        JsonValue value when value.TryGetValue<bool>(out var flag) => Of(flag),
        JsonValue value when value.TryGetValue<double>(out var number) => Of(number),
        _ => new QueryValue(QueryKind.Composite, 0, node),
    };

    /// <summary>
    /// How the values are ordered: negative, zero or positive; null when they have no order: undefined, of different
    /// kinds, or composite.
    /// </summary>
    public static int? Compare(QueryValue left, QueryValue right)
    {
        if (left.Kind == right.Kind)
        {
            return left.Kind switch
            {
                QueryKind.Number or QueryKind.Boolean or QueryKind.Time => left._number.CompareTo(right._number),
                QueryKind.Text => Math.Sign(string.CompareOrdinal(left.Text, right.Text)),
                _ => null,
            };
        }
        if (left.Kind == QueryKind.Time && right.Kind == QueryKind.Text)
            return CompareTime(left, right.Text!);
        return left.Kind == QueryKind.Text && right.Kind == QueryKind.Time ? -CompareTime(right, left.Text!) : null;
    }

    /// <summary>
    /// Whether the values are equal; null when that cannot be said: one is undefined or composite. Values of different
    /// kinds are not equal.
    /// </summary>
    public static bool? AreEqual(QueryValue left, QueryValue right)
    {
        if (left.Kind is QueryKind.Undefined or QueryKind.Composite
            || right.Kind is QueryKind.Undefined or QueryKind.Composite)
            return null;
        return (left.Kind == QueryKind.Null && right.Kind == QueryKind.Null) || Compare(left, right) == 0;
    }

    private static int CompareTime(QueryValue time, string text) =>
        DateTimeOffset.TryParse(
            text,
            System.Globalization.CultureInfo.InvariantCulture,
            System.Globalization.DateTimeStyles.AssumeUniversal,
            out var other)
            ? time._number.CompareTo(other.UtcTicks)
            : Math.Sign(string.CompareOrdinal(time.Text, text));
}
