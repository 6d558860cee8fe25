namespace Hubbub.Core.Routing.Query;

/// <summary>What is known of a value before a message is seen. There is no conversion between types.</summary>
internal enum ConditionType : byte
{
    /// <summary>Application and system properties, text literals.</summary>
    Text,
    Number,
    Bool,

    /// <summary>The literal <c>null</c>.</summary>
    Null,

    /// <summary>The literal <c>undefined</c>.</summary>
    Undefined,

    /// <summary><c>$body</c> and <c>$twin</c>: the message decides.</summary>
    Dynamic,

    /// <summary>An error was told already; nothing that follows from it is.</summary>
    Error,
}

/// <summary>Names and rules of <see cref="ConditionType"/>.</summary>
internal static class ConditionTypes
{
    public static string Name(this ConditionType type) => type switch
    {
        ConditionType.Text => "string",
        ConditionType.Number => "number",
        ConditionType.Bool => "bool",
        ConditionType.Null => "null",
        ConditionType.Undefined => "undefined",
        _ => "dynamic",
    };

    /// <summary>True when an operand of type <paramref name="given"/> may stand where one is wanted.</summary>
    public static bool Accepts(this ConditionType wanted, ConditionType given) =>
        given == wanted || given == ConditionType.Error
        || (given == ConditionType.Dynamic && wanted != ConditionType.Undefined);

    /// <summary>True when the two may be compared.</summary>
    public static bool AreComparable(ConditionType left, ConditionType right) =>
        left.Accepts(right) || right.Accepts(left);

    /// <summary>True for what AND and OR take.</summary>
    public static bool IsLogical(ConditionType type) => type is ConditionType.Bool or ConditionType.Null
        or ConditionType.Undefined or ConditionType.Dynamic or ConditionType.Error;
}
