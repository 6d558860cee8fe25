using System.Buffers;
using System.Globalization;

namespace Hubbub.Core.Routing.Query;

/// <summary>
/// Cuts a condition into tokens. The longest match wins, and nearly every character may stand in a name: so
/// <c>x-1</c>, <c>2*3</c> and <c>'p'||name</c> are names, as they are in the original service.
/// </summary>
internal struct ConditionLexer(string text)
{
    private static readonly SearchValues<char> NameEnds = SearchValues.Create("()<>@,;:\\\"/[]?={}");
    private int _at;

    /// <summary>The next token; <see cref="TokenKind.End"/> at the end, however often it is asked for.</summary>
    /// <exception cref="ConditionSyntaxException">No token begins here.</exception>
    public Token Next()
    {
        SkipBlanks();
        if (_at == text.Length)
            return new Token(TokenKind.End, _at, _at);
        var c = text[_at];
        if (c == '"')
            return Literal();
        var name = NameLength(_at);
        if (c == '\'')
            return QuoteOrName(name);
        if (c == '$' && name > 1)
            return System(name);
        var symbol = Symbol(c, name);
        if (symbol.Kind != TokenKind.End)
            return Take(symbol.Kind, symbol.Length);
        if (name == 0)
            throw Invalid(_at, $"invalid symbol '{Printable(c)}'");
        return Word(name);
    }

    private Token Take(TokenKind kind, int length)
    {
        var start = _at;
        _at += length;
        return new Token(kind, start, _at);
    }

    private void SkipBlanks()
    {
        while (_at < text.Length)
        {
            if (char.IsWhiteSpace(text[_at]))
            {
                _at++;
                continue;
            }
            if (text[_at] != '/' || _at + 1 == text.Length || text[_at + 1] != '*')
                return;
            var end = text.IndexOf("*/", _at + 2, StringComparison.Ordinal);
            if (end < 0)
                throw Invalid(_at, "unterminated comment", "'*/'");
            _at = end + 2;
        }
    }

    /// <summary>How many characters from here on may stand in a name.</summary>
    private readonly int NameLength(int start)
    {
        var at = start;
        while (at < text.Length)
        {
            var c = text[at];
            if (char.IsWhiteSpace(c) || char.IsControl(c) || NameEnds.Contains(c))
                break;
            if (char.IsSurrogate(c) && !IsPair(at++))
                throw Invalid(at - 1, "half a character");
            at++;
        }
        return at - start;
    }

    private readonly bool IsPair(int at) =>
        at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]);

    private readonly (TokenKind Kind, int Length) Symbol(char c, int name)
    {
        var next = _at + 1 < text.Length ? text[_at + 1] : '\0';
        return c switch
        {
            '(' => (TokenKind.OpenParenthesis, 1),
            ')' => (TokenKind.CloseParenthesis, 1),
            '{' => (TokenKind.OpenBrace, 1),
            '}' => (TokenKind.CloseBrace, 1),
            ',' => (TokenKind.Comma, 1),
            '/' => (TokenKind.Divide, 1),
            '=' => (TokenKind.Equal, 1),
            '<' when next == '=' => (TokenKind.LessOrEqual, 2),
            '<' when next == '>' => (TokenKind.NotEqual, 2),
            '<' => (TokenKind.Less, 1),
            '>' when next == '=' => (TokenKind.GreaterOrEqual, 2),
            '>' => (TokenKind.Greater, 1),
            '?' when next == '?' => (TokenKind.Coalesce, 2),
            // The rest may begin a name, and is an operator only when no longer name does.
            '!' when name == 1 && next == '=' => (TokenKind.NotEqual, 2),
            '*' when name == 1 => (TokenKind.Multiply, 1),
            '%' when name == 1 => (TokenKind.Modulo, 1),
            '+' when name == 1 => (TokenKind.Plus, 1),
            '-' when name == 1 => (TokenKind.Minus, 1),
            '|' when name == 2 && next == '|' => (TokenKind.Concat, 2),
            _ => (TokenKind.End, 0),
        };
    }

    private Token Word(int length)
    {
        var word = text.AsSpan(_at, length);
        if (NumberLiteral.IsNumber(word))
        {
            if (!NumberLiteral.TryParse(word, out var number))
                throw Invalid(_at, "the number has more than 64 bits", length: length);
            return Take(TokenKind.Number, length) with { Number = number };
        }
        var kind = word switch
        {
            "true" => TokenKind.True,
            "false" => TokenKind.False,
            "null" => TokenKind.Null,
            "undefined" => TokenKind.Undefined,
            _ when word.Equals("and", StringComparison.OrdinalIgnoreCase) => TokenKind.And,
            _ when word.Equals("or", StringComparison.OrdinalIgnoreCase) => TokenKind.Or,
            _ when word.Equals("not", StringComparison.OrdinalIgnoreCase) => TokenKind.Not,
            _ => TokenKind.Identifier,
        };
        return Take(kind, length);
    }

    /// <summary>A system name takes brackets along: they are the indexes of a path.</summary>
    private Token System(int name)
    {
        var end = _at + name;
        while (end < text.Length && text[end] is '[' or ']')
            end += 1 + NameLength(end + 1);
        return Take(TokenKind.System, end - _at);
    }

    private Token QuoteOrName(int name)
    {
        var start = _at;
        var literal = Literal();
        if (name <= literal.End - start)
            return literal;
        _at = start;
        return Word(name);
    }

    private Token Literal()
    {
        var start = _at;
        var end = TextLiteral.Read(text, start, out var value);
        _at = end;
        return new Token(TokenKind.Text, start, end, value);
    }

    private static string Printable(char c) =>
        char.IsControl(c) || char.IsSurrogate(c)
            ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")
            : c.ToString();

    private readonly ConditionSyntaxException Invalid(int at, string what, string? expected = null, int length = 1) =>
        new(ConditionError.At(text, at, Math.Min(text.Length, at + length), $"Syntax error: {what}", expected));
}
