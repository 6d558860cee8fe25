using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Core.Tests.Routing;

/// <summary>Random conditions over random messages: the compiled program says what the plain evaluator says.</summary>
public sealed class EvaluationPropertyTests
{
    private static readonly Gen<JsonNode?> Leaves = Gen.OneOf<JsonNode?>(
        Gen.Const(static () => (JsonNode?)null),
        Gen.Bool.Select(static b => (JsonNode?)JsonValue.Create(b)),
        Gen.OneOf(0, 1, -1, 2.5, 1000.0).Select(static n => (JsonNode?)JsonValue.Create(n)),
        Gen.OneOf("", "a", "ab", "ü\"\n", "5").Select(static s => (JsonNode?)JsonValue.Create(s)));

    private static readonly Gen<JsonNode?> Bodies = Nodes(3);

    [Fact]
    public void Condition_OverAnyMessage_SaysWhatTheNaiveEvaluatorSays() =>
        Gen.Select(Term.Conditions(4), Properties, Bodies).Sample(
            static (term, properties, body) => Assert.Equal(
                NaiveEvaluator.Evaluate(term, properties, TextOf(body)), Evaluate(term, properties, body).ToString()),
            iter: 20_000);

    [Fact]
    public void Table_OverAnyMessage_MatchesTheRoutesWhoseConditionsAreTrue() =>
        Gen.Select(Term.Conditions(3).Array[1, 8], Properties, Bodies, Properties).Sample(
            static (terms, properties, body, others) =>
            {
                var program = new RouteProgram([.. terms.Select(static t => Condition.Parse(t.ToString()).Condition!)]);
                var evaluator = new RouteEvaluator(program);
                // What another message has left behind must not be seen.
                var before = Message(others, body).AsView();
                evaluator.Match(ref before);
                var view = Message(properties, body).AsView();
                evaluator.Match(ref view);
                for (var i = 0; i < terms.Length; i++)
                    Assert.Equal(Evaluate(terms[i], properties, body) == TriState.True, evaluator.IsTrue(i));
            },
            iter: 5_000);

    [Fact]
    public void Parser_OfAnyTermAndItsNeighbourhood_NeverThrows() =>
        Gen.Select(Term.Conditions(4), Gen.Int[0, 500], Gen.OneOf('(', ')', '\'', '"', '$', '[', '\\', '-', '/', '\ud83d', '\0', '?'))
            .Sample(
                static (term, place, put) =>
                {
                    var text = term.ToString();
                    var at = place % (text.Length + 1);
                    foreach (var changed in (string[])[text[..at], text[at..], text.Insert(at, put.ToString())])
                    {
                        var (condition, errors) = Condition.Parse(changed);
                        Assert.Equal(condition is null, errors.Count > 0);
                    }
                },
                iter: 20_000);

    private static Gen<Dictionary<string, string>> Properties =>
        Gen.Select(Gen.OneOf(Term.Names), Gen.OneOf("", "a", "A", "5", "-2.5", "zebra", "aüb", "x"))
            .Array[0, 6].Select(static pairs =>
            {
                var all = new Dictionary<string, string>();
                foreach (var (name, value) in pairs.Where(static p => p.Item1 != "missing"))
                    all[name] = value;
                return all;
            });

    private static Gen<JsonNode?> Nodes(int depth) => depth == 0 ? Leaves : Gen.Frequency(
        (2, Leaves),
        (3, Gen.Select(Gen.OneOf("a", "b", "c", "l", "s", "n", "t", "o", "p", "q", "x"), Nodes(depth - 1)).Array[0, 6]
            .Select(static members =>
            {
                var json = new JsonObject();
                foreach (var (name, value) in members)
                    json[name] = value?.DeepClone();
                return (JsonNode?)json;
            })),
        (1, Nodes(depth - 1).Array[0, 3].Select(static items => (JsonNode?)new JsonArray([.. items.Select(static i => i?.DeepClone())]))));

    private static string? TextOf(JsonNode? body) => body is JsonObject ? body.ToJsonString() : null;

    private static TriState Evaluate(Term term, Dictionary<string, string> properties, JsonNode? body)
    {
        var (condition, errors) = Condition.Parse(term.ToString());
        Assert.True(condition is not null, $"{term}: {string.Join("; ", errors)}");
        var view = Message(properties, body).AsView();
        return condition.Evaluate(ref view);
    }

    private static SampleMessage Message(Dictionary<string, string> properties, JsonNode? body)
    {
        var json = new JsonObject
        {
            ["app"] = new JsonObject(properties.Select(static p => KeyValuePair.Create(p.Key, (JsonNode?)JsonValue.Create(p.Value)))),
            ["sys"] = new JsonObject { ["contentType"] = "application/json", ["contentEncoding"] = "utf-8" },
            ["body"] = body?.DeepClone(),
        };
        return SampleMessage.Read(JsonDocument.Parse(json.ToJsonString()).RootElement).Value;
    }
}
