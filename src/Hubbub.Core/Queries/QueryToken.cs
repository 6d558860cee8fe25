namespace Hubbub.Core.Queries;

internal enum QueryTokenKind : byte
{
    End,
    Name,

    /// <summary>A name in double brackets: never a keyword.</summary>
    QuotedName,
    Number,
    Text,

    /// <summary>An operator or a bracket; its text tells which.</summary>
    Symbol,
}

/// <summary>One word of a query.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">A name or symbol as written, a text without its quotes.</param>
/// <param name="Number">The value of a number.</param>
/// <param name="Position">Where it begins, counted from 0.</param>
internal readonly record struct QueryToken(QueryTokenKind Kind, string Text, double Number, int Position)
{
    public bool IsSymbol(string symbol) => Kind == QueryTokenKind.Symbol && Text == symbol;

    public bool IsWord(string word) =>
        Kind == QueryTokenKind.Name && Text.Equals(word, StringComparison.OrdinalIgnoreCase);
}
