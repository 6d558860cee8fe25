using System.Globalization;
using System.Text.Json;

namespace Hubbub.Core.Tests.Routing;

/// <summary>
/// The language a second time, written from its description as plainly as can be: a tree walked over a parsed
/// document, values as objects. Only compared with, never shipped.
/// </summary>
internal static class NaiveEvaluator
{
    public sealed class Nothing
    {
        public static readonly Nothing Undefined = new();
        public static readonly Nothing Null = new();
        public static readonly Nothing Missing = new();
        public static readonly Nothing Composite = new();
    }

    public static string Evaluate(Term term, IReadOnlyDictionary<string, string> application, string? body)
    {
        var value = Value(term, application, body);
        return value is bool truth ? (truth ? "True" : "False") : "Undefined";
    }

    private static object Value(Term term, IReadOnlyDictionary<string, string> application, string? body)
    {
        object Of(int index) => Value(term.Operands[index], application, body);
        return term.Kind switch
        {
            "text" => term.Text,
            "number" => double.Parse(term.Text, CultureInfo.InvariantCulture),
            "bool" => term.Text == "true",
            "property" => application.FirstOrDefault(p => p.Key.Equals(term.Text, StringComparison.OrdinalIgnoreCase)).Value
                ?? (object)Nothing.Undefined,
            "body" => Body(term.Text, body),
            "not" => Of(0) is bool b ? !b : Nothing.Undefined,
            "and" => And(Of(0), Of(1)),
            "or" => And(Negated(Of(0)), Negated(Of(1))) is bool none ? !none : Nothing.Undefined,
            "??" => Of(0) is Nothing left && left != Nothing.Null ? Of(1) : Of(0),
            "=" or "!=" or "<" or "<=" or ">" or ">=" => Compare(term.Kind, Of(0), Of(1)),
            "+" or "-" or "*" or "/" or "%" => Number(term.Kind, Of(0), Of(1)),
            "||" => Of(0) is string l && Of(1) is string r ? l + r : Nothing.Undefined,
            _ => Call(term.Kind, [.. term.Operands.Select(o => Value(o, application, body))]),
        };
    }

    private static object Negated(object value) => value is bool b ? !b : value;

    private static object And(object left, object right)
    {
        if (left is false || right is false)
            return false;
        return left is true && right is true ? true : Nothing.Undefined;
    }

    private static object Compare(string relation, object left, object right)
    {
        if (left == Nothing.Undefined || right == Nothing.Undefined || left == Nothing.Composite || right == Nothing.Composite)
            return Nothing.Undefined;
        if (left == Nothing.Missing)
            left = Nothing.Null;
        if (right == Nothing.Missing)
            right = Nothing.Null;
        if (left.GetType() != right.GetType())
            return relation switch { "=" => false, "!=" => true, _ => Nothing.Undefined };
        var order = (left, right) switch
        {
            (string a, string b) => string.CompareOrdinal(a, b),
            (double a, double b) => a < b ? -1 : a > b ? 1 : 0,
            (bool a, bool b) => (a ? 1 : 0) - (b ? 1 : 0),
            _ => 0,
        };
        return relation switch
        {
            "=" => order == 0,
            "!=" => order != 0,
            "<" => order < 0,
            "<=" => order <= 0,
            ">" => order > 0,
            _ => order >= 0,
        };
    }

    private static object Number(string sign, object left, object right) => left is double a && right is double b
        ? Defined(sign switch { "+" => a + b, "-" => a - b, "*" => a * b, "/" => a / b, _ => a % b })
        : Nothing.Undefined;

    private static object Defined(double number) => double.IsNaN(number) ? Nothing.Undefined : number;

    private static object Call(string name, object[] given) => (name, given) switch
    {
        ("is_defined", [var v]) => !(v is Nothing n && n != Nothing.Null),
        ("is_null", [var v]) => v == Nothing.Null,
        ("is_string", [var v]) => v is string,
        ("is_number", [var v]) => v is double d && double.IsFinite(d),
        ("is_bool", [var v]) => v is bool,
        ("length", [string s]) => (double)s.Length,
        ("lower", [string s]) => s.ToLowerInvariant(),
        ("upper", [string s]) => s.ToUpperInvariant(),
        ("contains", [string s, string t]) => s.Contains(t, StringComparison.Ordinal),
        ("starts_with", [string s, string t]) => s.StartsWith(t, StringComparison.Ordinal),
        ("ends_with", [string s, string t]) => s.EndsWith(t, StringComparison.Ordinal),
        ("index_of", [string s, string t]) => (double)s.IndexOf(t, StringComparison.Ordinal),
        ("substring", [string s, double from]) when from >= 0 && from <= s.Length => s[(int)from..],
        ("substring", [string s, double from, double count])
            when from >= 0 && from < s.Length && count >= 0 && from + count <= s.Length => s.Substring((int)from, (int)count),
        ("as_number", [double d]) => d,
        ("as_number", [string s]) when double.TryParse(s, NumberStyles.Any, CultureInfo.InvariantCulture, out var d) => Defined(d),
        ("abs", [double d]) => Math.Abs(d),
        ("floor", [double d]) => Math.Floor(d),
        ("sqrt", [double d]) => Defined(Math.Sqrt(d)),
        ("power", [double d, double e]) => Defined(Math.Pow(d, e)),
        _ => Nothing.Undefined,
    };

    private static object Body(string path, string? body)
    {
        if (body is null)
            return Nothing.Undefined;
        using var document = JsonDocument.Parse(body);
        var at = document.RootElement;
        foreach (var part in path.Replace("[", ".[", StringComparison.Ordinal).Split('.'))
        {
            if (part[0] == '[')
            {
                var index = int.Parse(part[1..^1], CultureInfo.InvariantCulture);
                if (at.ValueKind != JsonValueKind.Array || index >= at.GetArrayLength())
                    return Nothing.Missing;
                at = at[index];
            }
            else if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(part, out at))
            {
                return Nothing.Missing;
            }
        }
        return at.ValueKind switch
        {
            JsonValueKind.String => at.GetString()!,
            JsonValueKind.Number => at.GetDouble(),
            JsonValueKind.True or JsonValueKind.False => at.GetBoolean(),
            JsonValueKind.Null => Nothing.Null,
            _ => Nothing.Composite,
        };
    }
}
