namespace Hubbub.Core.Routing.Query;

/// <summary>A part of a condition with what it came to for one message, for people.</summary>
/// <param name="Text">The part as written.</param>
/// <param name="Value">What it came to.</param>
/// <param name="Reason">
/// What it was made of: <c>level is 'High'; zone is not there</c>. Null where the parts say it.
/// </param>
/// <param name="Parts">What AND, OR and NOT join.</param>
public sealed record ConditionClause(
    string Text, TriState Value, string? Reason, IReadOnlyList<ConditionClause> Parts);
