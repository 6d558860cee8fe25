using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Hubbub.Core.Queries;

/// <summary>An expression of a query. The cases below are all there are.</summary>
public abstract record QueryExpression
{
    private QueryExpression()
    {
    }

    /// <summary>
    /// The value for a row. Undefined spreads: what is computed from it is undefined, and no condition.
    /// </summary>
    public abstract QueryValue Evaluate(IQueryRow row);

    public sealed record Constant(QueryValue Value) : QueryExpression
    {
        public override QueryValue Evaluate(IQueryRow row) => Value;
    }

    public sealed record Path(QueryPath Target) : QueryExpression
    {
        public override QueryValue Evaluate(IQueryRow row) => row.ValueAt(Target);
    }

    public sealed record Not(QueryExpression Operand) : QueryExpression
    {
        public override QueryValue Evaluate(IQueryRow row)
        {
            var value = Operand.Evaluate(row);
            return value.Kind == QueryKind.Boolean ? QueryValue.Of(!value.IsTrue) : QueryValue.Undefined;
        }
    }

    public sealed record And(QueryExpression Left, QueryExpression Right) : QueryExpression
    {
        public override QueryValue Evaluate(IQueryRow row)
        {
            var left = Left.Evaluate(row);
            if (left.IsFalse)
                return left;
            var right = Right.Evaluate(row);
            return right.IsFalse ? right : left.IsTrue && right.IsTrue ? QueryValue.True : QueryValue.Undefined;
        }
    }

    public sealed record Or(QueryExpression Left, QueryExpression Right) : QueryExpression
    {
        public override QueryValue Evaluate(IQueryRow row)
        {
            var left = Left.Evaluate(row);
            if (left.IsTrue)
                return left;
            var right = Right.Evaluate(row);
            return right.IsTrue ? right : left.IsFalse && right.IsFalse ? QueryValue.False : QueryValue.Undefined;
        }
    }

    public sealed record Comparison(string Operator, QueryExpression Left, QueryExpression Right) : QueryExpression
    {
        public override QueryValue Evaluate(IQueryRow row)
        {
            var (left, right) = (Left.Evaluate(row), Right.Evaluate(row));
            if (Operator is "=" or "!=")
            {
                return QueryValue.AreEqual(left, right) is { } equal
                    ? QueryValue.Of(equal == (Operator == "="))
                    : QueryValue.Undefined;
            }
            if (QueryValue.Compare(left, right) is not { } order)
                return QueryValue.Undefined;
            return QueryValue.Of(Operator switch
            {
                "<" => order < 0,
                "<=" => order <= 0,
                ">" => order > 0,
                _ => order >= 0,
            });
        }
    }

    public sealed record Arithmetic(string Operator, QueryExpression Left, QueryExpression Right) : QueryExpression
    {
        public override QueryValue Evaluate(IQueryRow row)
        {
            var (left, right) = (Left.Evaluate(row), Right.Evaluate(row));
            if (left.Kind != QueryKind.Number || right.Kind != QueryKind.Number)
                return QueryValue.Undefined;
            var result = Operator switch
            {
                "+" => left.Number + right.Number,
                "-" => left.Number - right.Number,
                "*" => left.Number * right.Number,
                "/" => left.Number / right.Number,
                _ => left.Number % right.Number,
            };
            return double.IsFinite(result) ? QueryValue.Of(result) : QueryValue.Undefined;
        }
    }

    /// <summary>IN, or with <paramref name="IsNot"/> NIN.</summary>
    public sealed record In(QueryExpression Operand, ImmutableArray<QueryValue> Values, bool IsNot) : QueryExpression
    {
        public override QueryValue Evaluate(IQueryRow row)
        {
            var value = Operand.Evaluate(row);
            if (value.Kind is QueryKind.Undefined or QueryKind.Composite)
                return QueryValue.Undefined;
            foreach (var candidate in Values)
            {
                if (QueryValue.AreEqual(value, candidate) == true)
                    return QueryValue.Of(!IsNot);
            }
            return QueryValue.Of(IsNot);
        }
    }

    public sealed record Call(QueryFunction Function, ImmutableArray<QueryExpression> Arguments) : QueryExpression
    {
        public override QueryValue Evaluate(IQueryRow row)
        {
            var first = Arguments[0].Evaluate(row);
            return Function switch
            {
                QueryFunction.IsDefined => QueryValue.Of(first.IsDefined),
                QueryFunction.IsNull => QueryValue.Of(first.Kind == QueryKind.Null),
                QueryFunction.IsBool => QueryValue.Of(first.Kind == QueryKind.Boolean),
                QueryFunction.IsNumber => QueryValue.Of(first.Kind == QueryKind.Number),
                QueryFunction.IsString => QueryValue.Of(first.Kind is QueryKind.Text or QueryKind.Time),
                QueryFunction.IsPrimitive => QueryValue.Of(
                    first.Kind is not (QueryKind.Undefined or QueryKind.Composite)),
                QueryFunction.IsObject => QueryValue.Of(first.Composite is JsonObject),
                QueryFunction.IsArray => QueryValue.Of(first.Composite is JsonArray),
                QueryFunction.ArrayContains => ArrayContains(first, Arguments[1].Evaluate(row)),
                _ => Affix(first, Arguments[1].Evaluate(row)),
            };
        }

        private QueryValue Affix(QueryValue text, QueryValue affix)
        {
            if (text.Text is not { } whole || affix.Text is not { } part)
                return QueryValue.Undefined;
            return QueryValue.Of(Function == QueryFunction.StartsWith
                ? whole.StartsWith(part, StringComparison.Ordinal)
                : whole.EndsWith(part, StringComparison.Ordinal));
        }

        private static QueryValue ArrayContains(QueryValue array, QueryValue wanted) =>
            array.Composite is JsonArray elements && wanted.IsDefined
                ? QueryValue.Of(elements.Any(e => QueryValue.AreEqual(QueryValue.Of(e), wanted) == true))
                : QueryValue.Undefined;
    }
}

/// <summary>The functions that a condition may call.</summary>
public enum QueryFunction : byte
{
    IsDefined,
    IsNull,
    IsBool,
    IsNumber,
    IsString,
    IsPrimitive,
    IsObject,
    IsArray,
    StartsWith,
    EndsWith,
    ArrayContains,
}
