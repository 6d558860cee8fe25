namespace Hubbub.Core.Routing.Query;

/// <summary>A part of a condition that has been read.</summary>
internal readonly record struct Operand(int Node, ConditionType Type, int Start, int End);

/// <summary>Makes nodes of what the parser reads, and refuses what does not fit together.</summary>
internal sealed partial class ConditionBuilder(string text, RouteSource source)
{
    private const string TwinChangeIncludes = "twin_change_includes";
    private static readonly string[] TwinPrefixes = ["properties.reported.", "properties.desired.", "tags."];
    private readonly List<ConditionError> _errors = [];
    private readonly List<(int Start, int End)> _places = [];

    public NodeList Nodes { get; } = new();

    /// <summary>Where the text of each node stands.</summary>
    public IReadOnlyList<(int Start, int End)> Places => _places;

    public IReadOnlyList<ConditionError> Errors => _errors;

    public Operand Undefined(int start, int end) => At(Nodes.Undefined(), start, end);

    public Operand Literal(Token token)
    {
        var node = token.Kind switch
        {
            TokenKind.Number => Nodes.Literal(token.Number),
            TokenKind.Text => Nodes.Literal(token.Text!),
            TokenKind.True => Nodes.Literal(true),
            TokenKind.False => Nodes.Literal(false),
            TokenKind.Null => Nodes.Null(),
            _ => Nodes.Undefined(),
        };
        return At(node, token.Start, token.End);
    }

    public Operand Property(Token token) => At(Property(Word(token)), token.Start, token.End);

    /// <summary>
    /// <c>$name</c>: an application property of just this name comes first; in braces it does not.
    /// </summary>
    public Operand System(Token token, bool isForced)
    {
        var word = Word(token);
        var name = word[1..];
        var node = name switch
        {
            _ when Path(token, name, "body.", out var path) => Leaf(Op.Body, ConditionType.Dynamic, path),
            _ when Path(token, name, "twin.", out var path) => Leaf(Op.Twin, ConditionType.Dynamic, path),
            _ => Leaf(Op.System, ConditionType.Text, SystemPropertyName.Canonical(name)),
        };
        var bracket = name.AsSpan().IndexOfAny('[', ']');
        if (Nodes[node].Op == Op.System && bracket >= 0)
            return Fail(token.Start + 1 + bracket, $"Syntax error: invalid symbol '{name[bracket]}'");
        if (!isForced && bracket < 0)
            node = Nodes.Add(new ConditionNode(Op.FirstPresent, Nodes[node].Type, Property(word), node));
        return At(node, token.Start, token.End);
    }

    public Operand Unary(Token symbol, Operand operand)
    {
        var isNot = symbol.Kind == TokenKind.Not;
        var wanted = isNot ? ConditionType.Bool : ConditionType.Number;
        if (operand.Type == ConditionType.Error)
            return operand;
        if (isNot && operand.Type == ConditionType.Null)
            return At(Nodes.Literal(true), symbol.Start, operand.End);
        if (!wanted.Accepts(operand.Type))
        {
            return Fail(symbol, $"Invalid operands to unary operator '{Word(symbol)}': have '{operand.Type.Name()}', "
                + $"expected '{wanted.Name()}'");
        }
        var type = isNot ? ConditionType.Bool : operand.Type;
        return At(
            Nodes.Add(new ConditionNode(isNot ? Op.Not : Op.Negate, type, operand.Node)), symbol.Start, operand.End);
    }

    public bool IsPathFunction(Token name) =>
        Word(name).Equals(TwinChangeIncludes, StringComparison.OrdinalIgnoreCase);

    public Operand Call(Token name, List<Operand> arguments, int end)
    {
        var types = new ConditionType[arguments.Count];
        for (var i = 0; i < types.Length; i++)
            types[i] = arguments[i].Type;
        var word = Word(name);
        if (word.Equals("concat", StringComparison.OrdinalIgnoreCase))
            return Concat(name, arguments, types, end);
        if (ConditionFunction.Find(word) is not { } function)
        {
            var suggestion = ConditionFunction.Suggest(word) is { } right ? $", did you mean '{right}'?" : "";
            return Fail(name, $"Invalid built-in function '{word}'{suggestion}");
        }
        if (!function.Takes(types))
            return Fail(name, InvalidArguments(word, types));
        if (types.Contains(ConditionType.Error))
            return new Operand(Nodes.Undefined(), ConditionType.Error, name.Start, end);
        var op = function.Op == Op.Substring && types.Length == 2 ? Op.SubstringFrom : function.Op;
        var node = new ConditionNode(op, function.Result, arguments[0].Node);
        if (types.Length > 1)
            node = node with { B = arguments[1].Node };
        if (types.Length > 2)
            node = node with { C = arguments[2].Node };
        return At(Nodes.Add(node), name.Start, end);
    }

    /// <summary>twin_change_includes(path): whether the change, which is the message's body, holds the path.</summary>
    public Operand PathCall(Token name, Token argument, int end)
    {
        if (source != RouteSource.TwinChangeEvents)
            return Fail(name, $"Invalid built-in function '{Word(name)}': it is for the source TwinChangeEvents only");
        var word = Word(argument);
        var prefix = Array.Find(TwinPrefixes, p => word.StartsWith(p, StringComparison.OrdinalIgnoreCase));
        string? problem = null;
        if (prefix is null)
            problem = $"the path must begin with one of {string.Join(' ', TwinPrefixes)}";
        else if (JsonPath.Parse(word.AsSpan(prefix.Length), out var details) is null)
            problem = details.What;
        if (problem is not null)
            return Fail(argument, $"{InvalidArguments(Word(name), [ConditionType.Text])}. Error: {problem}");
        var path = Leaf(Op.Body, ConditionType.Dynamic, prefix + word[prefix!.Length..]);
        return At(Nodes.Add(new ConditionNode(Op.IsPresent, ConditionType.Bool, path)), name.Start, end);
    }

    private Operand Concat(Token name, List<Operand> arguments, ConditionType[] types, int end)
    {
        if (types.Length < 2 || !Array.TrueForAll(types, static t => ConditionType.Text.Accepts(t)))
            return Fail(name, InvalidArguments(Word(name), types));
        var node = arguments[0].Node;
        for (var i = 1; i < arguments.Count; i++)
            node = Nodes.Add(new ConditionNode(Op.Concat, ConditionType.Text, node, arguments[i].Node));
        return At(node, name.Start, end);
    }

    private bool Path(Token token, string name, string prefix, out string path)
    {
        path = "";
        if (!name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            return false;
        path = name[prefix.Length..];
        if (JsonPath.Parse(path, out var problem) is null)
        {
            var at = token.Start + 1 + prefix.Length + problem.At;
            throw new ConditionSyntaxException(ConditionError.At(
                text, Math.Min(at, token.End), Math.Max(at, token.End),
                $"Syntax error: in the path of ${prefix[..^1]}, {problem.What}", "name[index].name"));
        }
        return true;
    }

    private int Property(string name) => Leaf(Op.Property, ConditionType.Text, name.ToLowerInvariant());

    private int Leaf(Op op, ConditionType type, string name) => Nodes.Add(new ConditionNode(op, type, Text: name));

    private static string InvalidArguments(string function, ConditionType[] types) =>
        $"Invalid arguments to built-in function '{function}': {function}("
        + $"{string.Join(", ", types.Select(static t => t.Name()))})";

    private Operand At(int node, int start, int end)
    {
        while (_places.Count < Nodes.Count)
            _places.Add((start, end));
        return new Operand(node, Nodes[node].Type, start, end);
    }

    private string Word(Token token) => text[token.Start..token.End];

    private Operand Fail(Token token, string message)
    {
        if (_errors.Count < RoutingLimits.ConditionErrorsMax)
            _errors.Add(ConditionError.At(text, token.Start, token.End, message));
        return new Operand(Nodes.Undefined(), ConditionType.Error, token.Start, token.End);
    }

    private Operand Fail(int at, string message) => Fail(new Token(TokenKind.End, at, at + 1), message);
}
