namespace Hubbub.Core.Routing.Query;

/// <summary>Why a condition is refused.</summary>
/// <param name="Message">A sentence; the families are those of the original service's compiler.</param>
/// <param name="Start">Where the offending part begins.</param>
/// <param name="End">The place behind it.</param>
/// <param name="Expected">What would be right there, when that can be said.</param>
public sealed record ConditionError(
    string Message, ConditionPosition Start, ConditionPosition End, string? Expected = null)
{
    /// <summary>One line: place, message.</summary>
    public override string ToString() => $"{Start.Line}:{Start.Column}: {Message}";

    internal static ConditionError At(string text, int start, int end, string message, string? expected = null)
    {
        var first = ConditionPosition.Of(text, start);
        // A range ends on the line on which it begins.
        var line = text.AsSpan(start, end - start).IndexOfAny('\r', '\n');
        var length = Math.Max(1, line < 0 ? end - start : line);
        return new ConditionError(message, first, first with { Column = first.Column + length }, expected);
    }
}

/// <summary>A place in a condition, both counted from 1 in UTF-16 characters.</summary>
public readonly record struct ConditionPosition(int Line, int Column)
{
    internal static ConditionPosition Of(string text, int index)
    {
        var before = text.AsSpan(0, index);
        return new ConditionPosition(before.Count('\n') + 1, index - before.LastIndexOf('\n'));
    }
}

/// <summary>Stops the parser at the first thing that is no condition; caught where parsing began.</summary>
internal sealed class ConditionSyntaxException(ConditionError error) : Exception(error.Message)
{
    public ConditionError Error { get; } = error;
}
