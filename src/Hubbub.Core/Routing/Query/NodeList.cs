namespace Hubbub.Core.Routing.Query;

/// <summary>Nodes in the order in which they can be computed, each only once.</summary>
internal sealed class NodeList
{
    private readonly List<ConditionNode> _nodes = [];
    private readonly Dictionary<ConditionNode, int> _indexes = [];

    public int Count => _nodes.Count;

    public ConditionNode this[int index] => _nodes[index];

    /// <summary>The index of a node; it is added when it is new.</summary>
    public int Add(in ConditionNode node)
    {
        if (_indexes.TryGetValue(node, out var index))
            return index;
        index = _nodes.Count;
        _nodes.Add(node);
        _indexes.Add(node, index);
        return index;
    }

    public int Literal(string text) => Add(new ConditionNode(Op.Literal, ConditionType.Text, Text: text));

    public int Literal(double number) => Add(
        new ConditionNode(Op.Literal, ConditionType.Number, Bits: BitConverter.DoubleToInt64Bits(number)));

    public int Literal(bool value) => Add(new ConditionNode(Op.Literal, ConditionType.Bool, A: value ? 1 : 0));

    public int Null() => Add(new ConditionNode(Op.Literal, ConditionType.Null));

    /// <summary>The value that is none, where one of a type is wanted.</summary>
    public int Undefined(ConditionType type = ConditionType.Undefined) =>
        Add(new ConditionNode(Op.Literal, type, A: -2));
}
