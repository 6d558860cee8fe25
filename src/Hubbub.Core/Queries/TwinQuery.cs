using System.Collections.Immutable;

namespace Hubbub.Core.Queries;

/// <summary>What a query looks through.</summary>
public enum QuerySource : byte
{
    Devices,
    Modules,
}

/// <summary>A column of a result.</summary>
/// <param name="Name">As it is written in the result.</param>
public readonly record struct QueryColumn(string Name, QueryPath Path);

/// <summary>
/// A query of the service's language, read and ready to run:
/// <c>SELECT [TOP n] {* | path [AS name], ...} FROM {devices | devices.modules} [WHERE condition]</c>.
/// </summary>
public sealed record TwinQuery
{
    /// <summary>Rows in the whole result at most; null: all.</summary>
    public int? Top { get; init; }

    /// <summary>The columns; empty for whole twins (<c>*</c>).</summary>
    public ImmutableArray<QueryColumn> Columns { get; init; } = [];

    public required QuerySource Source { get; init; }

    /// <summary>Null: every row.</summary>
    public QueryExpression? Condition { get; init; }

    /// <summary>
    /// The device ids that alone can satisfy the condition, in ordinal order; null when it does not say.
    /// </summary>
    public ImmutableSortedSet<string>? DeviceIds { get; init; }

    /// <summary>True for a row that belongs to the result.</summary>
    public bool IsMatch(IQueryRow row) => Condition is null || Condition.Evaluate(row).IsTrue;

    /// <summary>Reads a query.</summary>
    /// <returns>
    /// The query, or PreconditionFailed when it is too long, ArgumentInvalid when it is none, or NotImplemented for
    /// what the language has and this hub has not; each says where.
    /// </returns>
    public static HubResult<TwinQuery> Parse(string text)
    {
        if (text.Length > QueryLimits.CharactersMax)
        {
            return new HubError(
                HubErrorCode.PreconditionFailed,
                $"The query has {text.Length} characters, at most {QueryLimits.CharactersMax} are allowed.");
        }
        try
        {
            return new QueryParser(text).ParseQuery();
        }
        catch (QuerySyntaxException e)
        {
            return e.IsUnsupported
                ? new HubError(
                    HubErrorCode.NotImplemented, $"This hub does not do this in a query yet: {e.Message}.")
                : new HubError(
                    HubErrorCode.ArgumentInvalid,
                    $"The query cannot be read at character {e.Position + 1}: {e.Message}.");
        }
    }
}
