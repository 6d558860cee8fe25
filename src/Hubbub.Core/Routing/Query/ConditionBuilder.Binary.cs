namespace Hubbub.Core.Routing.Query;

/// <content>The operators between two operands.</content>
internal sealed partial class ConditionBuilder
{
    public Operand Binary(Token symbol, Operand left, Operand right)
    {
        if (left.Type == ConditionType.Error || right.Type == ConditionType.Error)
            return new Operand(Nodes.Undefined(), ConditionType.Error, left.Start, right.End);
        var node = symbol.Kind switch
        {
            TokenKind.And or TokenKind.Or => Logical(symbol.Kind == TokenKind.And, left, right),
            TokenKind.Coalesce => Coalesce(left, right),
            >= TokenKind.Less and <= TokenKind.NotEqual => Comparison(symbol.Kind, left, right),
            TokenKind.Concat => Joined(left, right),
            _ => Arithmetic(symbol.Kind, left, right),
        };
        return node is { } index ? At(index, left.Start, right.End) : Mismatch(symbol, left, right);
    }

    private Operand Mismatch(Token symbol, Operand left, Operand right)
    {
        var wanted = symbol.Kind switch
        {
            TokenKind.And or TokenKind.Or => ConditionType.Bool,
            TokenKind.Concat => ConditionType.Text,
            TokenKind.Coalesce or (>= TokenKind.Less and <= TokenKind.NotEqual) => left.Type,
            _ => ConditionType.Number,
        };
        return Fail(
            symbol,
            $"Invalid operands to binary operator '{Word(symbol)}': have '{left.Type.Name()}' and "
            + $"'{right.Type.Name()}', expected '{wanted.Name()}' and '{wanted.Name()}'");
    }

    private int? Arithmetic(TokenKind kind, Operand left, Operand right)
    {
        if (!ConditionType.Number.Accepts(left.Type) || !ConditionType.Number.Accepts(right.Type))
            return null;
        var op = kind switch
        {
            TokenKind.Plus => Op.Add,
            TokenKind.Minus => Op.Subtract,
            TokenKind.Multiply => Op.Multiply,
            TokenKind.Divide => Op.Divide,
            _ => Op.Modulo,
        };
        // What is made of a dynamic value stays one: the message decides whether it is a number at all.
        var type = IsDynamic(left, right) ? ConditionType.Dynamic : ConditionType.Number;
        return Nodes.Add(new ConditionNode(op, type, left.Node, right.Node));
    }

    private int? Joined(Operand left, Operand right) =>
        ConditionType.Text.Accepts(left.Type) && ConditionType.Text.Accepts(right.Type)
            ? Nodes.Add(new ConditionNode(Op.Concat, ConditionType.Text, left.Node, right.Node))
            : null;

    private int? Coalesce(Operand left, Operand right)
    {
        if (!ConditionTypes.AreComparable(left.Type, right.Type))
            return null;
        if (left.Type == ConditionType.Undefined)
            return right.Node;
        var type = IsDynamic(left, right) ? ConditionType.Dynamic : left.Type;
        return Nodes.Add(new ConditionNode(Op.Coalesce, type, left.Node, right.Node));
    }

    private int? Logical(bool isAnd, Operand left, Operand right)
    {
        if (!ConditionTypes.IsLogical(left.Type) || !ConditionTypes.IsLogical(right.Type))
            return null;
        if (IsDynamic(left, right))
        {
            return Nodes.Add(new ConditionNode(
                isAnd ? Op.AndDynamic : Op.OrDynamic, ConditionType.Bool, left.Node, right.Node));
        }
        var isLeftNull = left.Type == ConditionType.Null;
        var isRightNull = right.Type == ConditionType.Null;
        // null and x is null, null or x is x.
        if (isAnd ? isLeftNull || isRightNull : isLeftNull && isRightNull)
            return Nodes.Null();
        if (isLeftNull || isRightNull)
        {
            var other = isLeftNull ? right : left;
            return other.Type == ConditionType.Undefined ? Nodes.Undefined(ConditionType.Bool) : other.Node;
        }
        return Nodes.Add(new ConditionNode(isAnd ? Op.And : Op.Or, ConditionType.Bool, left.Node, right.Node));
    }

    private int? Comparison(TokenKind kind, Operand left, Operand right)
    {
        if (!ConditionTypes.AreComparable(left.Type, right.Type))
            return null;
        // null is as great as itself, undefined is not comparable.
        if (left.Type == right.Type && left.Type == ConditionType.Null)
            return Nodes.Literal(kind is TokenKind.Equal or TokenKind.LessOrEqual or TokenKind.GreaterOrEqual);
        if (left.Type == right.Type && left.Type == ConditionType.Undefined)
            return Nodes.Undefined(ConditionType.Bool);
        var first = left.Type != right.Type
            ? Op.EqualAny
            : left.Type switch
            {
                ConditionType.Text => Op.EqualText,
                ConditionType.Number => Op.EqualNumber,
                _ => Op.EqualAny,
            };
        var relation = kind switch
        {
            TokenKind.Equal => 0,
            TokenKind.NotEqual => 1,
            TokenKind.Less => 2,
            TokenKind.LessOrEqual => 3,
            TokenKind.Greater => 4,
            _ => 5,
        };
        // Which side of = a literal stands on makes no difference; all on one side are compared in one go.
        var isTurned = relation <= 1 && Nodes[left.Node].Op == Op.Literal;
        return Nodes.Add(new ConditionNode(
            (Op)((int)first + relation),
            ConditionType.Bool,
            isTurned ? right.Node : left.Node,
            isTurned ? left.Node : right.Node));
    }

    private static bool IsDynamic(Operand left, Operand right) =>
        left.Type == ConditionType.Dynamic || right.Type == ConditionType.Dynamic;
}
