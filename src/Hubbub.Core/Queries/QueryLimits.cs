namespace Hubbub.Core.Queries;

/// <summary>The bounds on queries, each with its reason.</summary>
public static class QueryLimits
{
    /// <summary>
    /// Characters of a query: the service's documented maximum. It bounds every list and loop in one too.
    /// </summary>
    public const int CharactersMax = 8192;

    /// <summary>
    /// Expressions within expressions: far beyond any query that people write, shallow enough for any stack.
    /// </summary>
    public const int DepthMax = 64;

    /// <summary>Operators of one query. A row's evaluation is as deep as its longest chain of them.</summary>
    public const int OperatorsMax = 1000;
}
