namespace Hubbub.Core.Routing.Query;

/// <content>The built-in functions.</content>
internal ref partial struct Computation
{
    private void Call(in Instruction step, ref Value result, in Value a, in Value b)
    {
        switch (step.Op)
        {
            case Op.Concat:
                Concat(ref result, a, b);
                break;
            case Op.AsNumber:
                AsNumber(ref result, a);
                break;
            case >= Op.Abs and <= Op.Sqrt:
                Calculate(step.Op, ref result, a, b);
                break;
            case >= Op.IsBool and <= Op.IsPrimitive:
                result.Kind = Is(step.Op, a);
                break;
            case Op.IsPresent:
                result.Kind = a.Kind == ValueKind.Undefined
                    ? ValueKind.Undefined
                    : Value.Of(a.Kind != ValueKind.Missing);
                break;
            case Op.Length when a.Kind == ValueKind.Text:
                result.Set((double)Utf16.Length(Text(a)));
                break;
            case Op.Lower or Op.Upper when a.Kind == ValueKind.Text:
                ChangeCase(step.Op == Op.Upper, ref result, a);
                break;
            case Op.SubstringFrom or Op.Substring:
                Substring(step, ref result, a, b, Values[step.C]);
                break;
            case Op.IndexOf when AreTexts(a, b):
                result.Set((double)IndexOf(a, b));
                break;
            case Op.StartsWith when AreTexts(a, b):
                result.Set(Text(a).StartsWith(Text(b)));
                break;
            case Op.EndsWith when AreTexts(a, b):
                result.Set(Text(a).EndsWith(Text(b)));
                break;
            case Op.Contains when AreTexts(a, b):
                result.Set(Text(a).IndexOf(Text(b)) >= 0);
                break;
            default:
                result.Kind = ValueKind.Undefined;
                break;
        }
    }

    private static bool IsDefined(in Value value) => value.IsComparable && value.Kind != ValueKind.Missing;

    private static ValueKind Is(Op op, in Value a) => op switch
    {
        Op.IsBool => Value.Of(a.IsBool),
        Op.IsNumber => Value.Of(a.Kind == ValueKind.Number && double.IsFinite(a.Number)),
        Op.IsText => Value.Of(a.Kind == ValueKind.Text),
        Op.IsNull => Value.Of(a.Kind is ValueKind.Null or ValueKind.NullText),
        Op.IsArray => Value.Of(a.Kind == ValueKind.Array),
        Op.IsObject => Value.Of(a.Kind == ValueKind.Object),
        // is_defined, is_primitive.
        _ => Value.Of(a.Kind == ValueKind.NullText || IsDefined(a)),
    };

    private static void Calculate(Op op, ref Value result, in Value a, in Value b)
    {
        if (a.Kind != ValueKind.Number || (op == Op.Power && b.Kind != ValueKind.Number))
        {
            result.Kind = ValueKind.Undefined;
            return;
        }
        var x = a.Number;
        result.Set(op switch
        {
            Op.Abs => Math.Abs(x),
            Op.Exp => Math.Exp(x),
            Op.Power => Math.Pow(x, b.Number),
            Op.Square => x * x,
            Op.Ceiling => Math.Ceiling(x),
            Op.Floor => Math.Floor(x),
            Op.Sign => Math.Sign(x),
            _ => Math.Sqrt(x),
        });
    }

    private readonly void AsNumber(ref Value result, in Value a)
    {
        if (a.Kind == ValueKind.Number)
            result = a;
        else if (a.Kind == ValueKind.Text && NumberText.TryParse(Text(a), out var number))
            result.Set(number);
        else
            result.Kind = ValueKind.Undefined;
    }

    /// <summary>A property that is null adds nothing; a text that is too long is undefined.</summary>
    private readonly void Concat(ref Value result, in Value a, in Value b)
    {
        if (a.Kind is not (ValueKind.Text or ValueKind.NullText)
            || b.Kind is not (ValueKind.Text or ValueKind.NullText))
        {
            result.Kind = ValueKind.Undefined;
            return;
        }
        var left = a.Kind == ValueKind.Text ? Text(a) : [];
        var right = b.Kind == ValueKind.Text ? Text(b) : [];
        // In a row of concats the left text is often the last one made: then only the right one is added.
        var isLast = a.Kind == ValueKind.Text && a.Source == TextSource.Scratch && a.Start + a.Length == Scratch.Length;
        var size = (isLast ? 0 : left.Length) + right.Length;
        var room = Scratch.Reserve(size);
        if (room.Length < size)
        {
            result.Kind = ValueKind.Undefined;
            return;
        }
        var start = isLast ? a.Start : Scratch.Length;
        if (!isLast)
            left.CopyTo(room);
        right.CopyTo(room[(size - right.Length)..]);
        Scratch.Commit(size);
        result.Set(TextSource.Scratch, start, left.Length + right.Length);
    }

    private readonly void ChangeCase(bool isUpper, ref Value result, in Value a)
    {
        var text = Text(a);
        var size = Utf16.CaseSizeMax(text);
        var room = Scratch.Reserve(size);
        if (room.Length < size)
        {
            result.Kind = ValueKind.Undefined;
            return;
        }
        // Reserving may have moved the scratch; the span still sees the old bytes, which are the same.
        var written = Utf16.ChangeCase(text, room, isUpper);
        var start = Scratch.Length;
        Scratch.Commit(written);
        result.Set(TextSource.Scratch, start, written);
    }

    /// <summary>Indexes count UTF-16 characters, as they do in the original service.</summary>
    private readonly void Substring(in Instruction step, ref Value result, in Value a, in Value from, in Value count)
    {
        result.Kind = ValueKind.Undefined;
        var hasCount = step.Op == Op.Substring;
        if (a.Kind != ValueKind.Text || from.Kind != ValueKind.Number || (hasCount && count.Kind != ValueKind.Number))
            return;
        var text = Text(a);
        var length = Utf16.Length(text);
        var start = Math.Truncate(from.Number);
        var end = hasCount ? start + Math.Truncate(count.Number) : length;
        // substring(s, length) is empty, substring(s, length, 0) is not defined.
        if (start < 0 || start > length || (hasCount && start == length) || end < start || end > length)
            return;
        var first = Utf16.ByteAt(text, (int)start);
        var last = Utf16.ByteAt(text, (int)end);
        if (first >= 0 && last >= 0)
            result.Set(a.Source, a.Start + first, last - first);
    }

    private readonly int IndexOf(in Value a, in Value b)
    {
        var text = Text(a);
        var at = text.IndexOf(Text(b));
        return at < 0 ? -1 : Utf16.Length(text[..at]);
    }
}
