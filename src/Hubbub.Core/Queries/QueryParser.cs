using System.Collections.Immutable;

namespace Hubbub.Core.Queries;

/// <summary>Reads a query by recursive descent, one method a rule of the grammar.</summary>
internal ref struct QueryParser
{
    private static readonly HashSet<string> Keywords = new(StringComparer.OrdinalIgnoreCase)
    {
        "select", "top", "from", "where", "group", "by", "as", "and", "or", "not", "in", "nin",
        "null", "undefined", "true", "false",
    };

    private static readonly HashSet<string> Aggregates = new(StringComparer.OrdinalIgnoreCase)
    {
        "count", "avg", "sum", "min", "max",
    };

    private QueryLexer _lexer;
    private QueryToken _token;
    private QuerySource _source;
    private int _depth;
    private int _operators;

    public QueryParser(string text)
    {
        _lexer = new QueryLexer(text);
        _token = _lexer.Next();
    }

    public TwinQuery ParseQuery()
    {
        Expect("SELECT");
        int? top = null;
        if (TryTake("TOP"))
        {
            if (_token.Kind != QueryTokenKind.Number || _token.Number < 1 || _token.Number > int.MaxValue
                || _token.Number != Math.Floor(_token.Number))
                throw Error("TOP is followed by a whole number from 1");
            top = (int)_token.Number;
            Advance();
        }
        // What the paths mean depends on the collection, which is named behind them.
        var columns = ReadColumns();
        Expect("FROM");
        _source = ReadSource();
        var condition = TryTake("WHERE") ? ReadOr() : null;
        if (_token.IsWord("GROUP"))
            throw Unsupported("GROUP BY");
        if (_token.Kind != QueryTokenKind.End)
            throw Error($"'{_token.Text}' is not expected here");
        return new TwinQuery
        {
            Top = top,
            Columns = Named(columns),
            Source = _source,
            Condition = condition,
            DeviceIds = condition is null ? null : DeviceIdsOf(condition),
        };
    }

    /// <summary>The ids to which the condition confines the result; null when it does not.</summary>
    private static ImmutableSortedSet<string>? DeviceIdsOf(QueryExpression condition) => condition switch
    {
        QueryExpression.And and => DeviceIdsOf(and.Left) is { } left
            ? DeviceIdsOf(and.Right) is { } right ? left.Intersect(right) : left
            : DeviceIdsOf(and.Right),
        QueryExpression.Comparison
        {
            Operator: "=", Left: QueryExpression.Path path, Right: QueryExpression.Constant id,
        }
            when IsDeviceId(path.Target) => SetOf([id.Value]),
        QueryExpression.Comparison
        {
            Operator: "=", Left: QueryExpression.Constant id, Right: QueryExpression.Path path,
        }
            when IsDeviceId(path.Target) => SetOf([id.Value]),
        QueryExpression.In { IsNot: false, Operand: QueryExpression.Path path } list
            when IsDeviceId(path.Target) => SetOf(list.Values),
        _ => null,
    };

    private static bool IsDeviceId(QueryPath path) =>
        path.Steps.IsEmpty && path.Root.Equals("deviceId", StringComparison.OrdinalIgnoreCase);

    private static ImmutableSortedSet<string> SetOf(ImmutableArray<QueryValue> values) =>
        values.Select(v => v.Text).OfType<string>().ToImmutableSortedSet(StringComparer.Ordinal);

    private List<(List<QueryStep> Path, string? Name)> ReadColumns()
    {
        var columns = new List<(List<QueryStep>, string?)>();
        if (TryTakeSymbol("*"))
            return columns;
        do
        {
            var path = ReadSteps();
            if (_token.IsSymbol("(") && path is [{ Name: { } name }])
                throw Aggregates.Contains(name) ? Unsupported($"the aggregate {name}") : Error($"{name} is no column");
            string? alias = null;
            if (TryTake("AS"))
            {
                if (_token.Kind is not (QueryTokenKind.Name or QueryTokenKind.QuotedName))
                    throw Error("AS is followed by a name");
                alias = _token.Text;
                Advance();
            }
            columns.Add((path, alias));
        }
        while (TryTakeSymbol(","));
        return columns;
    }

    private ImmutableArray<QueryColumn> Named(List<(List<QueryStep> Path, string? Name)> columns)
    {
        var named = ImmutableArray.CreateBuilder<QueryColumn>(columns.Count);
        foreach (var (steps, alias) in columns)
        {
            var path = PathOf(steps);
            var name = alias ?? path.DefaultName;
            if (named.Any(c => c.Name == name))
                throw Error($"two columns are called '{name}', give one another name with AS");
            named.Add(new QueryColumn(name, path));
        }
        return named.ToImmutable();
    }

    private QuerySource ReadSource()
    {
        var steps = ReadSteps();
        var name = string.Join('.', steps.Select(s => s.Name ?? "[]"));
        return name.ToUpperInvariant() switch
        {
            "DEVICES" => QuerySource.Devices,
            "DEVICES.MODULES" => QuerySource.Modules,
            "DEVICES.JOBS" => throw Unsupported("FROM devices.jobs"),
            _ => throw Error($"FROM is followed by devices or devices.modules, not '{name}'"),
        };
    }

    private QueryExpression ReadOr()
    {
        var left = ReadAnd();
        while (TryTake("OR"))
            left = Counted(new QueryExpression.Or(left, ReadAnd()));
        return left;
    }

    private QueryExpression ReadAnd()
    {
        var left = ReadNot();
        while (TryTake("AND"))
            left = Counted(new QueryExpression.And(left, ReadNot()));
        return left;
    }

    private QueryExpression ReadNot()
    {
        if (!TryTake("NOT"))
            return ReadComparison();
        Enter();
        var negated = new QueryExpression.Not(ReadNot());
        _depth--;
        return negated;
    }

    private QueryExpression ReadComparison()
    {
        var left = ReadSum();
        foreach (var symbol in new[] { "=", "!=", "<>", "<", "<=", ">", ">=" })
        {
            if (TryTakeSymbol(symbol))
                return new QueryExpression.Comparison(symbol == "<>" ? "!=" : symbol, left, ReadSum());
        }
        if (_token.IsWord("IN") || _token.IsWord("NIN"))
        {
            var isNot = _token.IsWord("NIN");
            Advance();
            return new QueryExpression.In(left, ReadList(), isNot);
        }
        return left;
    }

    private ImmutableArray<QueryValue> ReadList()
    {
        ExpectSymbol("[");
        var values = ImmutableArray.CreateBuilder<QueryValue>();
        if (TryTakeSymbol("]"))
            return [];
        do
        {
            values.Add(ReadUnary() is QueryExpression.Constant constant
                ? constant.Value
                : throw Error("a list holds constants only"));
        }
        while (TryTakeSymbol(","));
        ExpectSymbol("]");
        return values.ToImmutable();
    }

    private QueryExpression ReadSum()
    {
        var left = ReadProduct();
        while (_token.IsSymbol("+") || _token.IsSymbol("-"))
            left = Counted(new QueryExpression.Arithmetic(TakeText(), left, ReadProduct()));
        return left;
    }

    private QueryExpression ReadProduct()
    {
        var left = ReadUnary();
        while (_token.IsSymbol("*") || _token.IsSymbol("/") || _token.IsSymbol("%"))
            left = Counted(new QueryExpression.Arithmetic(TakeText(), left, ReadUnary()));
        return left;
    }

    private QueryExpression ReadUnary()
    {
        if (TryTakeSymbol("-"))
        {
            Enter();
            var operand = ReadUnary();
            _depth--;
            return operand is QueryExpression.Constant { Value: { Kind: QueryKind.Number } number }
                ? new QueryExpression.Constant(QueryValue.Of(-number.Number))
                : new QueryExpression.Arithmetic("-", new QueryExpression.Constant(QueryValue.Of(0)), operand);
        }
        if (TryTakeSymbol("("))
        {
            Enter();
            var inner = ReadOr();
            _depth--;
            ExpectSymbol(")");
            return inner;
        }
        return ReadConstant() is { } constant ? new QueryExpression.Constant(constant) : ReadPathOrCall();
    }

    private QueryValue? ReadConstant()
    {
        QueryValue? value = _token.Kind switch
        {
            QueryTokenKind.Number => QueryValue.Of(_token.Number),
            QueryTokenKind.Text => QueryValue.Of(_token.Text),
            QueryTokenKind.Name when _token.IsWord("null") => QueryValue.Null,
            QueryTokenKind.Name when _token.IsWord("undefined") => QueryValue.Undefined,
            QueryTokenKind.Name when _token.IsWord("true") => QueryValue.True,
            QueryTokenKind.Name when _token.IsWord("false") => QueryValue.False,
            _ => null,
        };
        if (value is not null)
            Advance();
        return value;
    }

    private QueryExpression ReadPathOrCall()
    {
        var steps = ReadSteps();
        if (!_token.IsSymbol("(") || steps is not [{ Name: { } name }])
            return new QueryExpression.Path(PathOf(steps));
        if (FunctionOf(name) is not { } function)
            throw Error($"there is no function '{name}'");
        Advance();
        Enter();
        var arguments = ImmutableArray.CreateBuilder<QueryExpression>();
        do
            arguments.Add(ReadSum());
        while (TryTakeSymbol(","));
        _depth--;
        ExpectSymbol(")");
        var expected = function >= QueryFunction.StartsWith ? 2 : 1;
        if (arguments.Count != expected)
            throw Error($"the function '{name}' takes {expected} argument{(expected == 1 ? "" : "s")}");
        return new QueryExpression.Call(function, arguments.ToImmutable());
    }

    private static QueryFunction? FunctionOf(string name) => name.ToUpperInvariant() switch
    {
        "IS_DEFINED" => QueryFunction.IsDefined,
        "IS_NULL" => QueryFunction.IsNull,
        "IS_BOOL" => QueryFunction.IsBool,
        "IS_NUMBER" => QueryFunction.IsNumber,
        "IS_STRING" => QueryFunction.IsString,
        "IS_PRIMITIVE" => QueryFunction.IsPrimitive,
        "IS_OBJECT" => QueryFunction.IsObject,
        "IS_ARRAY" => QueryFunction.IsArray,
        "STARTSWITH" or "STARTS_WITH" => QueryFunction.StartsWith,
        "ENDSWITH" or "ENDS_WITH" => QueryFunction.EndsWith,
        "ARRAY_CONTAINS" => QueryFunction.ArrayContains,
        _ => null,
    };

    private List<QueryStep> ReadSteps()
    {
        if (_token.Kind is not (QueryTokenKind.Name or QueryTokenKind.QuotedName)
            || (_token.Kind == QueryTokenKind.Name && Keywords.Contains(_token.Text)))
            throw Error(_token.Kind == QueryTokenKind.End ? "it ends too early" : $"'{_token.Text}' is no name");
        var steps = new List<QueryStep> { new(_token.Text, 0) };
        Advance();
        while (true)
        {
            if (TryTakeSymbol("."))
            {
                // Behind a dot even a keyword is a name.
                if (_token.Kind is not (QueryTokenKind.Name or QueryTokenKind.QuotedName))
                    throw Error("a dot is followed by a name");
                steps.Add(new(_token.Text, 0));
                Advance();
            }
            else if (TryTakeSymbol("["))
            {
                if (_token.Kind != QueryTokenKind.Number || _token.Number is < 0 or > int.MaxValue)
                    throw Error("brackets hold the number of an element");
                steps.Add(new(null, (int)_token.Number));
                Advance();
                ExpectSymbol("]");
            }
            else
            {
                return steps;
            }
        }
    }

    /// <summary>The path without the collection's own name in front, which may be written or left out.</summary>
    private readonly QueryPath PathOf(List<QueryStep> steps)
    {
        var skipped = 0;
        if (steps.Count > 1 && Is(steps[0], "devices"))
            skipped = _source == QuerySource.Modules && steps.Count > 2 && Is(steps[1], "modules") ? 2 : 1;
        if (steps[skipped].Name is not { } root)
            throw Error("an element of the collection itself has no name");
        return new QueryPath(root, [.. steps.Skip(skipped + 1)]);

        static bool Is(QueryStep step, string name) =>
            string.Equals(step.Name, name, StringComparison.OrdinalIgnoreCase);
    }

    private QueryExpression Counted(QueryExpression expression) => ++_operators <= QueryLimits.OperatorsMax
        ? expression
        : throw Error($"it has more than {QueryLimits.OperatorsMax} operators");

    private void Enter()
    {
        if (++_depth > QueryLimits.DepthMax)
            throw Error($"more than {QueryLimits.DepthMax} expressions lie within each other");
    }

    private void Advance() => _token = _lexer.Next();

    private string TakeText()
    {
        var text = _token.Text;
        Advance();
        return text;
    }

    private bool TryTake(string word)
    {
        if (!_token.IsWord(word))
            return false;
        Advance();
        return true;
    }

    private bool TryTakeSymbol(string symbol)
    {
        if (!_token.IsSymbol(symbol))
            return false;
        Advance();
        return true;
    }

    private void Expect(string word)
    {
        if (!TryTake(word))
            throw Error($"{word} is expected here");
    }

    private void ExpectSymbol(string symbol)
    {
        if (!TryTakeSymbol(symbol))
            throw Error($"'{symbol}' is expected here");
    }

    private readonly QuerySyntaxException Error(string why) => new(why, _token.Position);

    private readonly QuerySyntaxException Unsupported(string what) => new(what, _token.Position, isUnsupported: true);
}
