using System.Globalization;
using System.Text;

namespace Hubbub.Core.Routing.Query;

/// <summary>Takes an evaluated condition apart into clauses, each with its value and why it has it.</summary>
internal readonly ref struct ConditionExplainer(Condition condition, RouteProgram program, Computation computation)
{
    private const int TextLengthMax = 80;
    private const int InputsMax = 8;
    private readonly Computation _computation = computation;

    public ConditionClause Explain() => Clause(condition.Root);

    private ConditionClause Clause(int index)
    {
        var node = condition.Nodes[index];
        var text = TextOf(index);
        var value = StateOf(index);
        switch (node.Op)
        {
            case Op.And or Op.Or or Op.AndDynamic or Op.OrDynamic:
                var parts = new List<ConditionClause>();
                foreach (var part in Flatten(index, node.Op))
                    parts.Add(Clause(part));
                return new ConditionClause(text, value, null, parts);
            case Op.Not:
                return new ConditionClause(text, value, null, [Clause(node.A)]);
            default:
                return new ConditionClause(text, value, Reason(index), []);
        }
    }

    /// <summary>A row of ANDs is a tree as deep as the row is long; people see a list.</summary>
    private List<int> Flatten(int index, Op op)
    {
        var parts = new List<int>();
        var open = new Stack<int>([index]);
        while (open.TryPop(out var at))
        {
            var node = condition.Nodes[at];
            if (node.Op != op)
            {
                parts.Add(at);
                continue;
            }
            open.Push(node.B);
            open.Push(node.A);
        }
        return parts;
    }

    private TriState StateOf(int index)
    {
        var isNullFalse = condition.Nodes[index].Type == ConditionType.Null;
        return ValueOf(index).Kind switch
        {
            ValueKind.True => TriState.True,
            ValueKind.False => TriState.False,
            ValueKind.Null when isNullFalse => TriState.False,
            _ => TriState.Undefined,
        };
    }

    /// <summary>What the properties and paths are that a clause is made of.</summary>
    private string? Reason(int index)
    {
        var inputs = new List<string>();
        var seen = new HashSet<int>();
        var open = new Stack<int>([index]);
        while (open.TryPop(out var at) && inputs.Count < InputsMax)
        {
            var node = condition.Nodes[at];
            if (!seen.Add(at) || node.Op == Op.Literal)
                continue;
            if (node.IsLeaf || node.Op == Op.FirstPresent)
            {
                inputs.Add($"{TextOf(at)} {Describe(at)}");
                continue;
            }
            foreach (var operand in (ReadOnlySpan<int>)[node.C, node.B, node.A])
            {
                if (operand >= 0)
                    open.Push(operand);
            }
        }
        return inputs.Count == 0 ? null : string.Join("; ", inputs);
    }

    private string Describe(int index)
    {
        var value = ValueOf(index);
        var node = condition.Nodes[index];
        if (node.Op == Op.FirstPresent)
            node = condition.Nodes[node.B];
        return value.Kind switch
        {
            ValueKind.Text => $"is '{Shorten(Encoding.UTF8.GetString(_computation.TextOf(value)))}'",
            ValueKind.Number => string.Create(CultureInfo.InvariantCulture, $"is {value.Number}"),
            ValueKind.True => "is true",
            ValueKind.False => "is false",
            ValueKind.Null or ValueKind.NullText => "is null",
            ValueKind.Missing => "is not in the body",
            ValueKind.Object => "is an object",
            ValueKind.Array => "is an array",
            _ => node.Op switch
            {
                Op.Body => "is undefined, for the body is no JSON object whose contentType and contentEncoding say so",
                Op.Twin => "is not in the twin",
                _ => "is not there",
            },
        };
    }

    private Value ValueOf(int index) => _computation.Values[program.NumberOf(0, index)];

    private string TextOf(int index)
    {
        var (start, end) = condition.Places[index];
        return condition.Text[start..end];
    }

    private static string Shorten(string text) =>
        text.Length <= TextLengthMax ? text : text[..TextLengthMax] + "...";
}
