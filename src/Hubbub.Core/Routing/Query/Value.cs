using System.Runtime.InteropServices;

namespace Hubbub.Core.Routing.Query;

internal enum ValueKind : byte
{
    Undefined,
    False,
    True,
    Number,
    Text,

    /// <summary>null: the literal, or a JSON null.</summary>
    Null,

    /// <summary>A path that the document does not have: equal to null, but not defined.</summary>
    Missing,

    /// <summary>An application property that is there, but null.</summary>
    NullText,
    Object,
    Array,
}

/// <summary>Which bytes a text lies in.</summary>
internal enum TextSource : byte
{
    Literals,
    Message,
    Body,
    Twin,
    Scratch,
}

/// <summary>A value, without an object: a text is a place in bytes that live as long as the evaluation.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct Value
{
    [FieldOffset(0)]
    public ValueKind Kind;

    [FieldOffset(1)]
    public TextSource Source;

    [FieldOffset(8)]
    public int Start;

    [FieldOffset(12)]
    public int Length;

    [FieldOffset(8)]
    public double Number;

    public readonly bool IsBool => Kind is ValueKind.False or ValueKind.True;

    /// <summary>False for what is undefined, and for what the language can do nothing with.</summary>
    public readonly bool IsComparable => Kind is >= ValueKind.False and <= ValueKind.Missing;

    public static ValueKind Of(bool value) => value ? ValueKind.True : ValueKind.False;

    public void Set(bool value) => Kind = Of(value);

    /// <summary>Sets a number; one that is none is undefined.</summary>
    public void Set(double number)
    {
        Kind = double.IsNaN(number) ? ValueKind.Undefined : ValueKind.Number;
        Number = number;
    }

    public void Set(TextSource source, int start, int length)
    {
        Kind = ValueKind.Text;
        Source = source;
        Start = start;
        Length = length;
    }
}
