using System.Globalization;

namespace Hubbub.Core.Routing.Query;

/// <summary>
/// A path into a JSON document: <c>name[n]?(.name[n]?)*</c>. Names are compared with their case.
/// </summary>
/// <param name="Segments">The names from the root on, each with the index behind it, or -1.</param>
internal sealed record JsonPath(IReadOnlyList<(string Name, int Index)> Segments)
{
    /// <summary>Reads a path.</summary>
    /// <param name="text">The path, without the prefix that says into which document.</param>
    /// <param name="problem">What is wrong, and at which character, when the result is null.</param>
    public static JsonPath? Parse(ReadOnlySpan<char> text, out (int At, string What) problem)
    {
        var segments = new List<(string, int)>();
        var at = 0;
        while (true)
        {
            var rest = text[at..];
            var length = rest.IndexOfAny('.', '[', ']');
            if (length < 0)
                length = rest.Length;
            if (length == 0)
            {
                problem = (at, "a name is missing");
                return null;
            }
            var name = rest[..length].ToString();
            at += length;
            var index = -1;
            if (at < text.Length && text[at] == '[' && !TryReadIndex(text, ref at, out index))
            {
                problem = (at, "the brackets must hold an index");
                return null;
            }
            segments.Add((name, index));
            if (at == text.Length)
            {
                problem = default;
                return new JsonPath(segments);
            }
            if (text[at] != '.')
            {
                problem = (at, "'.' or the end must follow");
                return null;
            }
            at++;
        }
    }

    private static bool TryReadIndex(ReadOnlySpan<char> text, ref int at, out int index)
    {
        index = -1;
        var digits = text[(at + 1)..];
        var length = digits.IndexOfAnyExceptInRange('0', '9');
        if (length <= 0 || digits[length] != ']')
            return false;
        // What is beyond an int is beyond every array.
        if (!int.TryParse(digits[..length], NumberStyles.None, CultureInfo.InvariantCulture, out index))
            index = int.MaxValue;
        at += length + 2;
        return true;
    }
}
