namespace Hubbub.Core.Routing.Query;

/// <summary>What a node of a condition does. The first ones are leaves: their values are given, not computed.</summary>
internal enum Op : byte
{
    /// <summary>A literal: its text, its number, or by its type true, false, null, undefined.</summary>
    Literal,

    /// <summary>An application property, by its name in lower case.</summary>
    Property,

    /// <summary>A system property.</summary>
    System,

    /// <summary>A path of the JSON body.</summary>
    Body,

    /// <summary>A path of the device's twin.</summary>
    Twin,

    /// <summary>A when it is there at all, else B: an application property whose name begins with $.</summary>
    FirstPresent,
    Coalesce,
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Concat,
    And,
    Or,
    Not,

    /// <summary>AND, OR of values whose types the message decides: both must be booleans.</summary>
    AndDynamic,
    OrDynamic,
    EqualText,
    NotEqualText,
    LessText,
    LessOrEqualText,
    GreaterText,
    GreaterOrEqualText,
    EqualNumber,
    NotEqualNumber,
    LessNumber,
    LessOrEqualNumber,
    GreaterNumber,
    GreaterOrEqualNumber,

    /// <summary>Booleans as well as dynamic values.</summary>
    EqualAny,
    NotEqualAny,
    LessAny,
    LessOrEqualAny,
    GreaterAny,
    GreaterOrEqualAny,
    Abs,
    Exp,
    Power,
    Square,
    Ceiling,
    Floor,
    Sign,
    Sqrt,
    AsNumber,
    IsBool,
    IsDefined,
    IsNull,
    IsNumber,
    IsText,
    IsArray,
    IsObject,
    IsPrimitive,
    Length,
    Lower,
    Upper,
    SubstringFrom,
    Substring,
    IndexOf,
    StartsWith,
    EndsWith,
    Contains,

    /// <summary><c>twin_change_includes</c>: the path is there, whatever stands in it.</summary>
    IsPresent,
}
