using CsCheck;

namespace Hubbub.Core.Tests.Routing;

/// <summary>A part of a condition that a test made up.</summary>
/// <param name="Kind">An operator, a function, or text, number, bool, property, body.</param>
/// <param name="Text">The value or name of a leaf.</param>
/// <param name="Operands">The operands of all else.</param>
internal sealed record Term(string Kind, string Text, params Term[] Operands)
{
    private static readonly string[] Strings = ["", "a", "ab", "A", "zebra", "5", "-2.5", "1e3", "it's", "ü", "aüb", "😀", " "];
    private static readonly string[] Numbers = ["0", "1", "2", "-1", "2.5", "1e3", "-0.5", "7"];
    public static readonly string[] Names = ["level", "Zone", "größe", "n-1", "missing"];
    public static readonly string[] Paths = ["a", "a.b", "a.c", "l[0]", "l[1].x", "l[9]", "s", "n", "t", "o.p.q", "gone.x"];

    /// <summary>A condition of boolean type.</summary>
    public static Gen<Term> Conditions(int depth) => depth == 0 ? Comparisons(0) : Gen.Frequency(
        (3, Comparisons(depth - 1)),
        (2, Gen.Select(Gen.OneOf("and", "or"), Conditions(depth - 1), Conditions(depth - 1),
            static (op, l, r) => new Term(op, "", l, r))),
        (1, Conditions(depth - 1).Select(static c => new Term("not", "", c))),
        (1, Gen.Bool.Select(static b => new Term("bool", b ? "true" : "false"))),
        (1, Gen.Select(Gen.OneOf("is_defined", "is_null", "is_string", "is_number", "is_bool"), Anything(depth - 1),
            static (f, v) => new Term(f, "", v))),
        (1, Gen.Select(Gen.OneOf("contains", "starts_with", "ends_with"), Texts(depth - 1), Texts(depth - 1),
            static (f, l, r) => new Term(f, "", l, r))));

    private static Gen<Term> Comparisons(int depth) => Gen.OneOf(
        Pair(Texts(depth)), Pair(Reals(depth)), Gen.Select(Relations, Bodies, Anything(depth), static (op, l, r) => new Term(op, "", l, r)));

    private static Gen<string> Relations => Gen.OneOf("=", "!=", "<", "<=", ">", ">=");

    private static Gen<Term> Pair(Gen<Term> side) => Gen.Select(Relations, side, side, static (op, l, r) => new Term(op, "", l, r));

    private static Gen<Term> Bodies => Gen.OneOf(Paths).Select(static p => new Term("body", p));

    private static Gen<Term> Anything(int depth) => Gen.OneOf(Texts(depth), Reals(depth), Bodies);

    private static Gen<Term> Texts(int depth) => depth <= 0 ? TextLeaves : Gen.Frequency(
        (3, TextLeaves),
        (1, Gen.Select(Gen.OneOf("lower", "upper"), Texts(depth - 1), static (f, v) => new Term(f, "", v))),
        (1, Gen.Select(Texts(depth - 1), Texts(depth - 1), static (l, r) => new Term("||", "", l, r))),
        (1, Gen.Select(TextLeaves, TextLeaves, static (l, r) => new Term("??", "", l, r))),
        (1, Gen.Select(Plain(depth - 1), Gen.OneOf("0", "1", "2", "9"), static (s, n) => new Term("substring", "", s, new Term("number", n)))));

    private static Gen<Term> TextLeaves => Gen.OneOf(
        Gen.OneOf(Strings).Select(static s => new Term("text", s)),
        Gen.OneOf(Names).Select(static n => new Term("property", n)));

    // Where a character of two halves could be cut, the two evaluators differ on purpose.
    private static Gen<Term> Plain(int depth) => Texts(depth).Where(static t => !t.ToString().Contains("😀", StringComparison.Ordinal));

    private static Gen<Term> Reals(int depth) => depth <= 0 ? RealLeaves : Gen.Frequency(
        (3, RealLeaves),
        (2, Gen.Select(Gen.OneOf("+", "-", "*", "/", "%"), Reals(depth - 1), Reals(depth - 1), static (op, l, r) => new Term(op, "", l, r))),
        (1, Texts(depth - 1).Select(static t => new Term("as_number", "", t))),
        (1, Texts(depth - 1).Select(static t => new Term("length", "", t))),
        (1, Gen.Select(Texts(depth - 1), Texts(depth - 1), static (l, r) => new Term("index_of", "", l, r))),
        (1, Gen.Select(Gen.OneOf("abs", "floor", "sqrt"), Reals(depth - 1), static (f, v) => new Term(f, "", v))),
        (1, Gen.Select(Reals(0), Reals(0), static (l, r) => new Term("power", "", l, r))));

    private static Gen<Term> RealLeaves => Gen.OneOf(Numbers).Select(static n => new Term("number", n));

    /// <summary>The condition's text, every operand in parentheses.</summary>
    public override string ToString() => Kind switch
    {
        "text" => $"'{Text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'",
        "number" or "bool" or "property" => Text,
        "body" => $"$body.{Text}",
        "not" => $"not ({Operands[0]})",
        _ when char.IsAsciiLetter(Kind[0]) && Kind is not ("and" or "or") => $"{Kind}({string.Join(", ", Operands.Select(static o => o.ToString()))})",
        _ => $"({Operands[0]}) {Kind} ({Operands[1]})",
    };
}
