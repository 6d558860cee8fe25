namespace Hubbub.Core.Routing.Query;

internal enum TokenKind : byte
{
    End,
    Number,
    Text,
    True,
    False,
    Null,
    Undefined,
    And,
    Or,
    Not,
    Identifier,

    /// <summary><c>$name</c>, <c>$body.path[0]</c>, <c>$twin.path</c>.</summary>
    System,
    OpenParenthesis,
    CloseParenthesis,
    OpenBrace,
    CloseBrace,
    Comma,
    Multiply,
    Divide,
    Modulo,
    Plus,
    Minus,
    Concat,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Coalesce,
}

/// <summary>One word of a condition.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Its first character, from 0.</param>
/// <param name="End">The character behind it.</param>
/// <param name="Text">The value of a text literal.</param>
/// <param name="Number">The value of a number.</param>
internal readonly record struct Token(TokenKind Kind, int Start, int End, string? Text = null, double Number = 0);
