using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hubbub.Core.Routing.Query;

/// <content>
/// Rows of one kind of instruction, which is most of what routes are: each runs to its end without a dispatch.
/// </content>
internal ref partial struct Computation
{
    /// <summary>AND of undefined, false, true, in this order; a row for each left operand.</summary>
    private static ReadOnlySpan<byte> AndTable => [0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 2, 0];

    /// <summary>OR of the same.</summary>
    private static ReadOnlySpan<byte> OrTable => [0, 0, 2, 0, 0, 1, 2, 0, 2, 2, 2, 0];

    /// <summary>Many texts compared with one, as a property with the literals of many routes.</summary>
    /// <returns>The index of the last instruction of the row.</returns>
    private readonly int CompareTexts(ReadOnlySpan<Instruction> code, int i, int first)
    {
        ref var values = ref MemoryMarshal.GetReference(Values);
        var left = -1;
        var isText = false;
        ReadOnlySpan<byte> text = default;
        for (; i < code.Length && code[i].Op == Op.EqualText; i++)
        {
            ref readonly var step = ref code[i];
            if (step.A != left)
            {
                left = step.A;
                ref readonly var a = ref Unsafe.Add(ref values, left);
                isText = a.Kind == ValueKind.Text;
                text = isText ? Text(a) : default;
            }
            ref readonly var b = ref Unsafe.Add(ref values, step.B);
            Unsafe.Add(ref values, first + i).Kind = isText && b.Kind == ValueKind.Text
                ? Value.Of(b.Length == text.Length && Text(b).SequenceEqual(text))
                : ValueKind.Undefined;
        }
        return i - 1;
    }

    private readonly int CompareNumbers(ReadOnlySpan<Instruction> code, int i, int first)
    {
        ref var values = ref MemoryMarshal.GetReference(Values);
        var op = code[i].Op;
        for (; i < code.Length && code[i].Op == op; i++)
        {
            ref readonly var a = ref Unsafe.Add(ref values, code[i].A);
            ref readonly var b = ref Unsafe.Add(ref values, code[i].B);
            Unsafe.Add(ref values, first + i).Kind = !AreNumbers(a, b) ? ValueKind.Undefined : Value.Of(op switch
            {
                Op.EqualNumber => a.Number == b.Number,
                Op.NotEqualNumber => a.Number != b.Number,
                Op.LessNumber => a.Number < b.Number,
                Op.LessOrEqualNumber => a.Number <= b.Number,
                Op.GreaterNumber => a.Number > b.Number,
                _ => a.Number >= b.Number,
            });
        }
        return i - 1;
    }

    private readonly int Join(ReadOnlySpan<Instruction> code, int i, int first)
    {
        ref var values = ref MemoryMarshal.GetReference(Values);
        var op = code[i].Op;
        var table = op == Op.And ? AndTable : OrTable;
        for (; i < code.Length && code[i].Op == op; i++)
        {
            // What has the type of a boolean is undefined, false or true: 0, 1 or 2.
            var a = (int)Unsafe.Add(ref values, code[i].A).Kind;
            var b = (int)Unsafe.Add(ref values, code[i].B).Kind;
            Unsafe.Add(ref values, first + i).Kind = (ValueKind)table[(a << 2) | b];
        }
        return i - 1;
    }
}
