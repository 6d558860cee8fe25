namespace Hubbub.Load;

/// <summary>What was measured, as a table of docs/performance.md.</summary>
internal static class ResultTable
{
    /// <summary>Prints the heads of the columns; the last one, which says whether the goal was reached, has none.</summary>
    public static void Begin(params ReadOnlySpan<string> columns)
    {
        Console.WriteLine($"| {string.Join(" | ", columns)} | |");
        Console.WriteLine($"|{string.Concat(Enumerable.Repeat("---|", columns.Length + 1))}");
    }

    /// <param name="what">What was measured.</param>
    /// <param name="yardstick">What it is held against.</param>
    /// <param name="hub">What the hub does.</param>
    /// <param name="ratio">The one by the other.</param>
    /// <param name="goal">What it should be.</param>
    /// <param name="reached">Whether it is; null without a goal.</param>
    public static void Row(string what, string yardstick, string hub, string ratio, string goal, bool? reached) =>
        Console.WriteLine($"| {what} | {yardstick} | {hub} | {ratio} | {goal} | {Word(reached)} |");

    /// <summary>A row without a yardstick.</summary>
    public static void Row(string what, string measured, string goal, bool? reached) =>
        Console.WriteLine($"| {what} | {measured} | {goal} | {Word(reached)} |");

    private static string Word(bool? reached) => reached switch { null => "", true => "reached", false => "NOT reached" };
}
