using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hubbub.Core.Routing.Query;

/// <summary>Runs instructions over values. Every instruction gives a value, whatever its operands are.</summary>
internal ref partial struct Computation
{
    public required Span<Value> Values { get; init; }

    public required TextScratch Scratch { get; init; }

    public required ReadOnlySpan<byte> Literals { get; init; }

    public required ReadOnlySpan<byte> Message { get; init; }

    public ReadOnlySpan<byte> Body { get; set; }

    public ReadOnlySpan<byte> Twin { get; set; }

    /// <summary>Runs a row of instructions; the program has put equal ones next to each other.</summary>
    /// <param name="code">The instructions.</param>
    /// <param name="first">The number of the first one's value; the others follow.</param>
    public void Run(ReadOnlySpan<Instruction> code, int first)
    {
        ref var values = ref MemoryMarshal.GetReference(Values);
        for (var i = 0; i < code.Length; i++)
        {
            // The program numbers its values itself, all below the length of the template that they were copied from.
            ref readonly var step = ref code[i];
            ref var result = ref Unsafe.Add(ref values, first + i);
            ref readonly var a = ref Unsafe.Add(ref values, step.A);
            ref readonly var b = ref Unsafe.Add(ref values, step.B);
            switch (step.Op)
            {
                case Op.EqualText:
                    i = CompareTexts(code, i, first);
                    break;
                case >= Op.EqualNumber and <= Op.GreaterOrEqualNumber:
                    i = CompareNumbers(code, i, first);
                    break;
                case Op.And or Op.Or:
                    i = Join(code, i, first);
                    break;
                case Op.NotEqualText:
                    result.Kind = AreTexts(a, b) ? Value.Of(!AreEqual(a, b)) : ValueKind.Undefined;
                    break;
                case >= Op.LessText and <= Op.GreaterOrEqualText:
                    result.Kind = AreTexts(a, b)
                        ? Value.Of(Holds(step.Op - Op.EqualText, Order(a, b)))
                        : ValueKind.Undefined;
                    break;
                case >= Op.EqualAny and <= Op.GreaterOrEqualAny:
                    result.Kind = CompareAny(step.Op - Op.EqualAny, a, b);
                    break;
                case Op.AndDynamic:
                    result.Kind = a.IsBool && b.IsBool ? And(a.Kind, b.Kind) : ValueKind.Undefined;
                    break;
                case Op.OrDynamic:
                    result.Kind = a.IsBool && b.IsBool ? Or(a.Kind, b.Kind) : ValueKind.Undefined;
                    break;
                case Op.Not:
                    result.Kind = Not(a.Kind);
                    break;
                case Op.FirstPresent:
                    result = a.Kind != ValueKind.Undefined ? a : b;
                    break;
                case Op.Coalesce:
                    result = a.Kind == ValueKind.NullText || IsDefined(a) ? a : b;
                    break;
                case >= Op.Negate and <= Op.Modulo:
                    Arithmetic(step.Op, ref result, a, b);
                    break;
                default:
                    Call(step, ref result, a, b);
                    break;
            }
        }
    }

    private static bool AreTexts(in Value a, in Value b) => a.Kind == ValueKind.Text && b.Kind == ValueKind.Text;

    private static bool AreNumbers(in Value a, in Value b) => a.Kind == ValueKind.Number && b.Kind == ValueKind.Number;

    private readonly bool AreEqual(in Value a, in Value b) => a.Length == b.Length && Text(a).SequenceEqual(Text(b));

    // Byte by byte: the order of the code points.
    private readonly int Order(in Value a, in Value b) => Text(a).SequenceCompareTo(Text(b));

    private static bool Holds(int relation, int order) => relation switch
    {
        0 => order == 0,
        1 => order != 0,
        2 => order < 0,
        3 => order <= 0,
        4 => order > 0,
        _ => order >= 0,
    };

    /// <summary>
    /// Values of one type compare as usual. Of two types they are different, and neither is the greater one. A path
    /// that is not there is as good as null.
    /// </summary>
    private readonly ValueKind CompareAny(int relation, in Value a, in Value b)
    {
        if (!a.IsComparable || !b.IsComparable)
            return ValueKind.Undefined;
        if (AreTexts(a, b))
            return Value.Of(relation <= 1 ? AreEqual(a, b) == (relation == 0) : Holds(relation, Order(a, b)));
        if (AreNumbers(a, b))
            return Value.Of(Holds(relation, a.Number.CompareTo(b.Number)));
        if (a.IsBool && b.IsBool)
            return Value.Of(Holds(relation, a.Kind - b.Kind));
        if (a.Kind >= ValueKind.Null && b.Kind >= ValueKind.Null)
            return Value.Of(Holds(relation, 0));
        return relation switch
        {
            0 => ValueKind.False,
            1 => ValueKind.True,
            _ => ValueKind.Undefined,
        };
    }

    private static ValueKind And(ValueKind a, ValueKind b)
    {
        if (a == ValueKind.False || b == ValueKind.False)
            return ValueKind.False;
        return a == ValueKind.True && b == ValueKind.True ? ValueKind.True : ValueKind.Undefined;
    }

    private static ValueKind Or(ValueKind a, ValueKind b)
    {
        if (a == ValueKind.True || b == ValueKind.True)
            return ValueKind.True;
        return a == ValueKind.False && b == ValueKind.False ? ValueKind.False : ValueKind.Undefined;
    }

    private static ValueKind Not(ValueKind a) => a switch
    {
        ValueKind.True => ValueKind.False,
        ValueKind.False => ValueKind.True,
        _ => ValueKind.Undefined,
    };

    private static void Arithmetic(Op op, ref Value result, in Value a, in Value b)
    {
        if (a.Kind != ValueKind.Number || (op != Op.Negate && b.Kind != ValueKind.Number))
        {
            result.Kind = ValueKind.Undefined;
            return;
        }
        result.Set(op switch
        {
            Op.Negate => -a.Number,
            Op.Add => a.Number + b.Number,
            Op.Subtract => a.Number - b.Number,
            Op.Multiply => a.Number * b.Number,
            Op.Divide => a.Number / b.Number,
            _ => a.Number % b.Number,
        });
    }

    /// <summary>The bytes of a text.</summary>
    public readonly ReadOnlySpan<byte> TextOf(scoped in Value value) => Text(value);

    private readonly ReadOnlySpan<byte> Text(scoped in Value value)
    {
        var bytes = value.Source switch
        {
            TextSource.Literals => Literals,
            TextSource.Message => Message,
            TextSource.Body => Body,
            TextSource.Twin => Twin,
            _ => Scratch.Written,
        };
        return bytes.Slice(value.Start, value.Length);
    }
}
