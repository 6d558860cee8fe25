using System.Text;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Core.Tests.Routing;

/// <summary>What people are told about conditions that are none, and what hostile ones cost.</summary>
public sealed class ConditionParserTests
{
    private static readonly string[] Pieces =
    [
        "(", ")", "{", "}", "[", "]", "'", "\"", "\\", "$body", "$body.a[0]", "$", ".", ",", " ", "\n", "and", "or", "not", "NOT",
        "true", "null", "undefined", "level", "5", "-5", "0x", "0x1F", "1e9", "+", "-", "*", "/", "%", "||", "??", "=", "!=", "<",
        ">=", "/*", "*/", "length", "concat", "substring", "twin_change_includes", "tags.a", "\ud83d", "\ude00", "\0", "\u00a0", "ü", "\\u0041",
    ];

    [Theory]
    [InlineData("3 + '4' = 7", 1, 3, 4, "Invalid operands to binary operator '+': have 'number' and 'string', expected 'number' and 'number'")]
    [InlineData("- level", 1, 1, 2, "Invalid operands to unary operator '-': have 'string', expected 'number'")]
    [InlineData("as_number(true) = 1", 1, 1, 10, "Invalid arguments to built-in function 'as_number': as_number(bool)")]
    [InlineData("nope(true)", 1, 1, 5, "Invalid built-in function 'nope'")]
    [InlineData("startswith(a, 'b')", 1, 1, 11, "Invalid built-in function 'startswith', did you mean 'starts_with'?")]
    [InlineData("(2 + 22 = 24", 1, 1, 2, "Syntax error: missing closing ')'")]
    [InlineData("(2 + 22 )) = 24", 1, 10, 11, "Syntax error: unmatched closing ')'")]
    [InlineData("\"2 = 24", 1, 1, 8, "Syntax error: unterminated string")]
    [InlineData("3 = @ 3", 1, 5, 6, "Syntax error: invalid symbol '@'")]
    [InlineData("true\nand\n  ;", 3, 3, 4, "Syntax error: invalid symbol ';'")]
    [InlineData("level = 'a\\q'", 1, 11, 13, "Syntax error: invalid escape")]
    [InlineData("$body.a[x] = 1", 1, 8, 11, "Syntax error: in the path of $body, the brackets must hold an index")]
    [InlineData("level 'a'", 1, 7, 10, "Syntax error: expected an operator, found ''a''")]
    [InlineData("level = ", 1, 9, 10, "Syntax error: expected a literal, a property, a function or '(', found the end")]
    [InlineData("(1) *2 = 2", 1, 5, 7, "Syntax error: expected an operator, found '*2' (put blanks around an operator, for names may hold + - * % | & !)")]
    public void Parse_WhatIsNoCondition_SaysWhereAndWhy(string text, int line, int start, int end, string message)
    {
        var (condition, errors) = Condition.Parse(text);
        Assert.Null(condition);
        Assert.Equal(new ConditionPosition(line, start), errors[0].Start);
        Assert.Equal(new ConditionPosition(line, end), errors[0].End);
        Assert.Equal(message, errors[0].Message);
    }

    [Fact]
    public void Parse_SeveralMistakes_TellsEachOnce()
    {
        var (_, errors) = Condition.Parse("(level = 5 and nope(1)) or (length(3) > 'a' and true)");
        Assert.Equal(3, errors.Count);
    }

    [Fact]
    public void Parse_MoreThanItMayHold_IsRefused()
    {
        Assert.NotEmpty(Condition.Parse(new string(' ', RoutingLimits.ConditionLengthMax + 1)).Errors);
        Assert.NotNull(Condition.Parse(new string(' ', RoutingLimits.ConditionLengthMax)).Condition);
        Assert.NotEmpty(Condition.Parse(Nested(RoutingLimits.ConditionDepthMax)).Errors);
        Assert.NotNull(Condition.Parse(Nested(RoutingLimits.ConditionDepthMax - 1)).Condition);
        var row = string.Join(" or ", Enumerable.Range(0, 600).Select(static i => $"p{i}=''"));
        Assert.NotNull(Condition.Parse(row).Condition);

        static string Nested(int depth) => new string('(', depth) + "true" + new string(')', depth);
    }

    [Fact]
    public void Parse_RandomPieces_IsFrugalAndNeverThrows()
    {
        var random = new Random(Seeds.Get());
        var text = new StringBuilder();
        for (var run = 0; run < 20_000; run++)
        {
            text.Clear();
            for (var i = random.Next(1, run % 100 == 0 ? 1500 : 20); i > 0; i--)
                text.Append(Pieces[random.Next(Pieces.Length)]);
            if (text.Length > RoutingLimits.ConditionLengthMax)
                text.Length = RoutingLimits.ConditionLengthMax;
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var (condition, errors) = Condition.Parse(text.ToString());
            Assert.Equal(condition is null, errors.Count > 0);
            Assert.True(errors.Count <= RoutingLimits.ConditionErrorsMax + 1);
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - allocated < 8 * 1024 * 1024, text.ToString());
        }
    }

    [Theory]
    [InlineData("(")]
    [InlineData("not ")]
    [InlineData("- ")]
    [InlineData("length(")]
    [InlineData("a or ")]
    [InlineData("1 + ")]
    [InlineData("{$a} || ")]
    [InlineData("'a' ?? ")]
    public void Parse_OneThingOverAndOver_Ends(string piece)
    {
        var text = string.Concat(Enumerable.Repeat(piece, RoutingLimits.ConditionLengthMax / piece.Length));
        Assert.NotEmpty(Condition.Parse(text).Errors);
    }

    [Fact]
    public void Evaluate_ATextThatGrowsAndGrows_IsUndefinedAtItsBound()
    {
        var doubled = "level";
        for (var i = 0; i < 9; i++)
            doubled = $"concat({doubled}, {doubled})";
        var chain = string.Join(" || ", Enumerable.Repeat("level", 800));
        var message = Sample.Of("level", new string('a', 100_000));
        var view = message.AsView();
        Assert.Equal(TriState.Undefined, Condition.Parse($"{doubled} = 'x'").Condition!.Evaluate(ref view));
        Assert.Equal(TriState.Undefined, Condition.Parse($"{chain} = 'x'").Condition!.Evaluate(ref view));
    }
}
