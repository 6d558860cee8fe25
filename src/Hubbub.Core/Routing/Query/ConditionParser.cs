using System.Buffers;

namespace Hubbub.Core.Routing.Query;

/// <summary>
/// Reads a condition by precedence climbing and checks its types on the way. It recurses for nesting only, which is
/// bounded; a row of operators is a loop.
/// </summary>
internal ref struct ConditionParser
{
    private static readonly SearchValues<char> OperatorSigns = SearchValues.Create("+-*%|&!");
    private readonly string _text;
    private readonly ConditionBuilder _builder;
    private ConditionLexer _lexer;
    private Token _token;
    private Token _previous;
    private int _depth;

    private ConditionParser(string text, ConditionBuilder builder)
    {
        (_text, _builder) = (text, builder);
        _lexer = new ConditionLexer(text);
    }

    /// <summary>Reads all of a condition.</summary>
    /// <exception cref="ConditionSyntaxException">It does not follow the grammar.</exception>
    public static Operand Parse(string text, ConditionBuilder builder)
    {
        var parser = new ConditionParser(text, builder);
        parser.Advance();
        if (parser._token.Kind == TokenKind.End)
            return builder.Undefined(0, 0);
        var all = parser.Expression(1);
        if (parser._token.Kind == TokenKind.CloseParenthesis)
            throw parser.Unexpected("unmatched closing ')'");
        if (parser._token.Kind != TokenKind.End)
            throw parser.Unexpected(
                $"expected an operator, found {parser.Found()}{parser.Hint()}", "an operator or the end");
        return all;
    }

    private void Advance()
    {
        _previous = _token;
        _token = _lexer.Next();
    }

    private Operand Expression(int least)
    {
        var left = Prefix();
        while (Precedence(_token.Kind) is var precedence && precedence >= least)
        {
            var symbol = _token;
            Advance();
            left = _builder.Binary(symbol, left, Expression(precedence + 1));
        }
        return left;
    }

    private static int Precedence(TokenKind kind) => kind switch
    {
        TokenKind.Coalesce => 1,
        TokenKind.Or => 2,
        TokenKind.And => 3,
        TokenKind.Equal or TokenKind.NotEqual => 4,
        TokenKind.Less or TokenKind.LessOrEqual or TokenKind.Greater or TokenKind.GreaterOrEqual => 5,
        TokenKind.Plus or TokenKind.Minus or TokenKind.Concat => 6,
        TokenKind.Multiply or TokenKind.Divide or TokenKind.Modulo => 7,
        _ => 0,
    };

    private Operand Prefix()
    {
        var token = _token;
        if (_depth == RoutingLimits.ConditionDepthMax)
            throw Unexpected($"the condition is nested deeper than {RoutingLimits.ConditionDepthMax} levels");
        _depth++;
        Advance();
        var operand = token.Kind switch
        {
            TokenKind.Minus or TokenKind.Not => _builder.Unary(token, Prefix()),
            TokenKind.OpenParenthesis => Group(token),
            TokenKind.OpenBrace => Braces(),
            TokenKind.System => _builder.System(token, isForced: false),
            TokenKind.Identifier when _token.Kind == TokenKind.OpenParenthesis => Call(token),
            TokenKind.Identifier => _builder.Property(token),
            >= TokenKind.Number and <= TokenKind.Undefined => _builder.Literal(token),
            _ => throw MissingOperand(token),
        };
        _depth--;
        return operand;
    }

    private Operand Group(Token open)
    {
        var inner = Expression(1);
        Close(open, "an operator");
        return inner with { Start = open.Start, End = _previous.End };
    }

    private Operand Braces()
    {
        if (_token.Kind != TokenKind.System)
            throw Unexpected($"expected a name that begins with $, found {Found()}", "$name");
        var operand = _builder.System(_token, isForced: true);
        Advance();
        if (_token.Kind != TokenKind.CloseBrace)
            throw Unexpected($"expected '}}', found {Found()}", "'}'");
        Advance();
        return operand;
    }

    private Operand Call(Token name)
    {
        var open = _token;
        Advance();
        if (_builder.IsPathFunction(name))
            return PathCall(name, open);
        var arguments = new List<Operand>();
        if (_token.Kind != TokenKind.CloseParenthesis)
        {
            arguments.Add(Expression(1));
            while (_token.Kind == TokenKind.Comma)
            {
                Advance();
                arguments.Add(Expression(1));
            }
        }
        Close(open, "',', an operator");
        return _builder.Call(name, arguments, _previous.End);
    }

    /// <summary>The argument of twin_change_includes is a path without quotes.</summary>
    private Operand PathCall(Token name, Token open)
    {
        var path = _token;
        if (path.Kind is not (TokenKind.Identifier or TokenKind.Number))
            throw Unexpected($"expected a path, found {Found()}", "a path");
        Advance();
        Close(open, "the end of the path");
        return _builder.PathCall(name, path, _previous.End);
    }

    private void Close(Token open, string alternatives)
    {
        if (_token.Kind == TokenKind.End)
        {
            throw new ConditionSyntaxException(ConditionError.At(
                _text, open.Start, open.End, "Syntax error: missing closing ')'", "')'"));
        }
        if (_token.Kind != TokenKind.CloseParenthesis)
            throw Unexpected($"expected {alternatives} or ')', found {Found()}{Hint()}", $"{alternatives} or ')'");
        Advance();
    }

    private readonly ConditionSyntaxException MissingOperand(Token token)
    {
        const string Expected = "a literal, a property, a function or '('";
        var found = token.Kind == TokenKind.End ? "the end" : $"'{Shorten(token)}'";
        return new ConditionSyntaxException(ConditionError.At(
            _text, token.Start, token.End, $"Syntax error: expected {Expected}, found {found}", Expected));
    }

    private readonly string Found() => _token.Kind == TokenKind.End ? "the end" : $"'{Shorten(_token)}'";

    private readonly string Shorten(Token token)
    {
        const int LengthMax = 40;
        var word = _text.AsSpan(token.Start, token.End - token.Start);
        return word.Length <= LengthMax ? word.ToString() : $"{word[..LengthMax]}...";
    }

    /// <summary>Operators without blanks around them are parts of names, which surprises people.</summary>
    private readonly string Hint()
    {
        var word = _text.AsSpan(_token.Start, _token.End - _token.Start);
        return _token.Kind is TokenKind.Identifier or TokenKind.Number && word.ContainsAny(OperatorSigns)
            ? " (put blanks around an operator, for names may hold + - * % | & !)"
            : "";
    }

    private readonly ConditionSyntaxException Unexpected(string what, string? expected = null) => new(
        ConditionError.At(_text, _token.Start, _token.End, $"Syntax error: {what}", expected));
}
