namespace Hubbub.Core.Routing.Query;

/// <summary>A condition that was read and checked. Immutable.</summary>
public sealed class Condition
{
    private RouteProgram? _program;

    private Condition(string text, RouteSource source, ConditionBuilder builder, Operand root)
    {
        (Text, Source) = (text, source);
        (Nodes, Places, Root) = (builder.Nodes, builder.Places, root.Node);
    }

    /// <summary>The condition as written.</summary>
    public string Text { get; }

    /// <summary>The source for whose messages it was checked.</summary>
    public RouteSource Source { get; }

    internal NodeList Nodes { get; }

    internal IReadOnlyList<(int Start, int End)> Places { get; }

    internal int Root { get; }

    /// <summary>Reads and checks a condition.</summary>
    /// <returns>The condition, or why it is none: at least one error.</returns>
    public static (Condition? Condition, IReadOnlyList<ConditionError> Errors) Parse(
        string text, RouteSource source = RouteSource.DeviceMessages)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > RoutingLimits.ConditionLengthMax)
        {
            var max = RoutingLimits.ConditionLengthMax;
            return (null, [ConditionError.At(
                text, max, max + 1, $"The condition has {text.Length} characters; {max} are allowed.")]);
        }
        var builder = new ConditionBuilder(text, source);
        try
        {
            var root = ConditionParser.Parse(text, builder);
            return builder.Errors.Count > 0 ? (null, builder.Errors) : (new Condition(text, source, builder, root), []);
        }
        catch (ConditionSyntaxException exception)
        {
            return (null, [.. builder.Errors, exception.Error]);
        }
    }

    /// <summary>What the condition says of one message, clause by clause.</summary>
    public ConditionClause Explain<TMessage>(scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct =>
        new RouteEvaluator(_program ??= new RouteProgram([this])).Explain(this, ref message);

    /// <summary>What the condition says of one message. For many conditions use a <see cref="RouteProgram"/>.</summary>
    public TriState Evaluate<TMessage>(scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct
    {
        var evaluator = RouteEvaluator.For(_program ??= new RouteProgram([this]));
        evaluator.Evaluate(ref message);
        return evaluator.ResultOf(0);
    }
}
