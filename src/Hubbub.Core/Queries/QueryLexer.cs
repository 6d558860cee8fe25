using System.Globalization;
using System.Text;

namespace Hubbub.Core.Queries;

/// <summary>Cuts a query into words.</summary>
internal ref struct QueryLexer(string text)
{
    private static readonly string[] Symbols =
        ["<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", "[", "]", ",", ".", "*", "/", "%", "+", "-"];

    private int _at;

    /// <summary>The next word; the one of kind End at the end.</summary>
    /// <exception cref="QuerySyntaxException">There is none that could be one.</exception>
    public QueryToken Next()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
            _at++;
        var start = _at;
        if (_at == text.Length)
            return new(QueryTokenKind.End, "", 0, start);
        var c = text[_at];
        if (c is '\'' or '"')
            return new(QueryTokenKind.Text, ReadText(c), 0, start);
        if (char.IsAsciiDigit(c))
            return ReadNumber();
        if (IsNameStart(c))
        {
            while (_at < text.Length && (IsNameStart(text[_at]) || char.IsAsciiDigit(text[_at])))
                _at++;
            return new(QueryTokenKind.Name, text[start.._at], 0, start);
        }
        if (c == '[' && _at + 1 < text.Length && text[_at + 1] == '[')
            return ReadQuotedName();
        foreach (var symbol in Symbols)
        {
            if (string.CompareOrdinal(text, _at, symbol, 0, symbol.Length) != 0)
                continue;
            _at += symbol.Length;
            return new(QueryTokenKind.Symbol, symbol, 0, start);
        }
        throw new QuerySyntaxException($"the character '{c}' is not part of the language", start);
    }

    private static bool IsNameStart(char c) => char.IsLetter(c) || c is '_' or '$';

    private QueryToken ReadNumber()
    {
        var start = _at;
        if (text[_at] == '0' && _at + 1 < text.Length && text[_at + 1] is 'x' or 'X')
        {
            for (_at += 2; _at < text.Length && char.IsAsciiHexDigit(text[_at]);)
                _at++;
            return long.TryParse(
                text.AsSpan(start + 2, _at - start - 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out var integer)
                ? new(QueryTokenKind.Number, "", integer, start)
                : throw new QuerySyntaxException("this is no hexadecimal number", start);
        }
        while (_at < text.Length && (char.IsAsciiDigit(text[_at]) || text[_at] == '.'))
            _at++;
        if (_at < text.Length && text[_at] is 'e' or 'E')
        {
            _at++;
            if (_at < text.Length && text[_at] is '+' or '-')
                _at++;
            while (_at < text.Length && char.IsAsciiDigit(text[_at]))
                _at++;
        }
        return double.TryParse(
            text.AsSpan(start, _at - start), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? new(QueryTokenKind.Number, "", number, start)
            : throw new QuerySyntaxException("this is no number", start);
    }

    private QueryToken ReadQuotedName()
    {
        var start = _at;
        var end = text.IndexOf("]]", _at + 2, StringComparison.Ordinal);
        if (end < 0)
            throw new QuerySyntaxException("a name that begins with [[ has no end", start);
        _at = end + 2;
        return new(QueryTokenKind.QuotedName, text[(start + 2)..end], 0, start);
    }

    private string ReadText(char quote)
    {
        var start = _at++;
        var value = new StringBuilder();
        while (_at < text.Length && text[_at] != quote)
            value.Append(text[_at] == '\\' ? ReadEscape() : text[_at++]);
        if (_at++ >= text.Length)
            throw new QuerySyntaxException("a text has no closing quote", start);
        return value.ToString();
    }

    private char ReadEscape()
    {
        var start = _at++;
        var c = _at < text.Length ? text[_at++] : '\0';
        switch (c)
        {
            case '\'' or '"' or '\\' or '/':
                return c;
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'u' when _at + 4 <= text.Length && ushort.TryParse(
                text.AsSpan(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code):
                _at += 4;
                return (char)code;
            default:
                throw new QuerySyntaxException("a backslash stands before a character that it cannot escape", start);
        }
    }
}

/// <summary>The text is no query; caught where queries are read.</summary>
internal sealed class QuerySyntaxException(string reason, int position, bool isUnsupported = false) : Exception(reason)
{
    /// <summary>Where, counted from 0.</summary>
    public int Position { get; } = position;

    /// <summary>True for what the language has and this hub has not.</summary>
    public bool IsUnsupported { get; } = isUnsupported;
}
