using System.Text.Json;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Core.Tests.Routing;

/// <summary>
/// Conditions over messages with what they say: the table in conditions.tsv, and one more that HUBBUB_VECTORS names.
/// </summary>
public sealed class VectorTests
{
    [Fact]
    public void Conditions_OfTheTable_SayWhatItSays()
    {
        // A line that begins with @ names a message; in a condition the arrows stand for a line's end and a tab.
        var lines = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Routing", "conditions.tsv")).Skip(1)
            .Select(static line => line.Split('\t')).ToList();
        var messages = lines.Where(static line => line[0].StartsWith('@') && line.Length == 2)
            .ToDictionary(static line => line[0][1..], static line => line[1]);
        var rows = lines.Where(static line => line.Length == 3)
            .Select(row => (Condition: row[0].Replace('⏎', '\n').Replace('⇥', '\t'), Message: row[1], Expected: row[2]))
            .ToList();
        Assert.True(rows.Count > 400);
        var wrong = rows.Where(row => Outcome(row.Condition, messages[row.Message]) != row.Expected)
            .Select(row => $"{row.Condition} over {row.Message}: {Outcome(row.Condition, messages[row.Message])}, not {row.Expected}");
        Assert.Empty(wrong);
    }

    [Fact]
    public void Conditions_OfAFurtherTable_SayWhatItSays()
    {
        if (Environment.GetEnvironmentVariable("HUBBUB_VECTORS") is not { } path)
            return;
        var rows = File.ReadAllLines(path).Skip(1).Select(static line => line.Split('\t')).ToList();
        Assert.NotEmpty(rows);
        var wrong = rows.Where(static row => Outcome(row[0], row[1]) != row[3])
            .Select(static row => $"{row[0]} over {row[1]}: {Outcome(row[0], row[1])}, not {row[3]}");
        Assert.Empty(wrong);
    }

    private static string Outcome(string condition, string json)
    {
        var message = SampleMessage.Read(JsonDocument.Parse(json).RootElement).Value;
        var (parsed, errors) = Condition.Parse(condition, message.Source);
        if (parsed is null)
        {
            Assert.NotEmpty(errors);
            return "error";
        }
        var view = message.AsView();
        return parsed.Evaluate(ref view) switch
        {
            TriState.True => "true",
            TriState.False => "false",
            _ => "undefined",
        };
    }
}
