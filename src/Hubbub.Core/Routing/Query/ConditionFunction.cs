using System.Collections.Frozen;

namespace Hubbub.Core.Routing.Query;

/// <summary>A built-in function: what it takes and gives. Names ignore case.</summary>
/// <param name="Op">The step that it is.</param>
/// <param name="Result">The type of its value.</param>
/// <param name="Arguments">The types of its arguments; null when one argument of any type is taken.</param>
/// <param name="Optional">How many of the last arguments may be left out.</param>
internal sealed record ConditionFunction(
    Op Op, ConditionType Result, ConditionType[]? Arguments, int Optional = 0)
{
    private const ConditionType Text = ConditionType.Text;
    private const ConditionType Number = ConditionType.Number;
    private const ConditionType Bool = ConditionType.Bool;

    /// <summary>The functions that take their arguments as values; concat and twin_change_includes do not.</summary>
    private static readonly FrozenDictionary<string, ConditionFunction> All =
        new Dictionary<string, ConditionFunction>
        {
            ["abs"] = new(Op.Abs, Number, [Number]),
            ["exp"] = new(Op.Exp, Number, [Number]),
            ["power"] = new(Op.Power, Number, [Number, Number]),
            ["square"] = new(Op.Square, Number, [Number]),
            ["ceiling"] = new(Op.Ceiling, Number, [Number]),
            ["floor"] = new(Op.Floor, Number, [Number]),
            ["sign"] = new(Op.Sign, Number, [Number]),
            ["sqrt"] = new(Op.Sqrt, Number, [Number]),
            ["as_number"] = new(Op.AsNumber, Number, [Text]),
            ["is_bool"] = new(Op.IsBool, Bool, null),
            ["is_defined"] = new(Op.IsDefined, Bool, null),
            ["is_null"] = new(Op.IsNull, Bool, null),
            ["is_number"] = new(Op.IsNumber, Bool, null),
            ["is_string"] = new(Op.IsText, Bool, null),
            ["is_array"] = new(Op.IsArray, Bool, null),
            ["is_object"] = new(Op.IsObject, Bool, null),
            ["is_primitive"] = new(Op.IsPrimitive, Bool, null),
            ["length"] = new(Op.Length, Number, [Text]),
            ["lower"] = new(Op.Lower, Text, [Text]),
            ["upper"] = new(Op.Upper, Text, [Text]),
            ["substring"] = new(Op.Substring, Text, [Text, Number, Number], Optional: 1),
            ["index_of"] = new(Op.IndexOf, Number, [Text, Text]),
            ["starts_with"] = new(Op.StartsWith, Bool, [Text, Text]),
            ["ends_with"] = new(Op.EndsWith, Bool, [Text, Text]),
            ["contains"] = new(Op.Contains, Bool, [Text, Text]),
        }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    public static ConditionFunction? Find(string name) => All.GetValueOrDefault(name);

    /// <summary>The right spelling of a name that only lacks its underscores; null when there is none.</summary>
    public static string? Suggest(string name)
    {
        foreach (var known in All.Keys)
        {
            if (known.Replace("_", "", StringComparison.Ordinal).Equals(name, StringComparison.OrdinalIgnoreCase))
                return known;
        }
        return null;
    }

    /// <summary>True when the arguments fit in number and type.</summary>
    public bool Takes(ReadOnlySpan<ConditionType> given)
    {
        if (Arguments is null)
            return given.Length == 1;
        if (given.Length > Arguments.Length || given.Length < Arguments.Length - Optional)
            return false;
        for (var i = 0; i < given.Length; i++)
        {
            // as_number takes what is a number already.
            var isNumberAlready = Op == Op.AsNumber && given[i] == Number;
            if (!Arguments[i].Accepts(given[i]) && !isNumberAlready)
                return false;
        }
        return true;
    }
}
