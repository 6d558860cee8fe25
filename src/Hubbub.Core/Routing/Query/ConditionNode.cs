namespace Hubbub.Core.Routing.Query;

/// <summary>
/// One step of a condition. Operands are indexes of earlier nodes; two nodes that are equal have the same value for
/// every message.
/// </summary>
/// <param name="Op">What it does.</param>
/// <param name="Type">The type of its value.</param>
/// <param name="A">The first operand; for a boolean literal 1 or 0.</param>
/// <param name="B">The second operand.</param>
/// <param name="C">The third operand.</param>
/// <param name="Text">The text of a literal, the name of a property in its canonical form, or a path.</param>
/// <param name="Bits">The bits of a number, so that 0 and -0 stay two.</param>
internal readonly record struct ConditionNode(
    Op Op, ConditionType Type, int A = -1, int B = -1, int C = -1, string? Text = null, long Bits = 0)
{
    /// <summary>True for what is given rather than computed.</summary>
    public bool IsLeaf => Op <= Op.Twin;

    public double Number => BitConverter.Int64BitsToDouble(Bits);
}
