using System.Text;
using System.Text.Json;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Core.Tests.Routing;

/// <summary>The one-pass reader takes as JSON what System.Text.Json takes, and nothing else.</summary>
public sealed class JsonScannerTests
{
    private static readonly string[] Documents =
    [
        """{"a":1,"b":[1,2,{"c":null}],"d":{"e":"x\"\\\/\b\f\n\r\t\u00fcy"},"f":true,"g":false}""",
        """ { "a" : -0.5e+10 , "b" : [ ] , "c" : { } } """,
        """{"a":[[[[1]]],{"a":{"a":{}}}],"":"","long":"abcdefghijklmnopqrstuvwxyz0123456789"}""",
        """{"a":"\ud83d\ude00","b":0,"c":10.25,"d":1E5}""",
    ];

    [Fact]
    public void Document_ChangedAtRandom_IsTakenAsTheGeneralReaderTakesIt()
    {
        var random = new Random(Seeds.Get());
        const string Signs = "{}[]:,\"\\ \t\n0123456789-+.eEtrufalsn/\u0001x";
        for (var run = 0; run < 50_000; run++)
        {
            var text = new StringBuilder(Documents[random.Next(Documents.Length)]);
            for (var change = random.Next(3); change >= 0; change--)
            {
                var at = random.Next(text.Length);
                switch (random.Next(4))
                {
                    case 0:
                        text.Remove(at, Math.Min(random.Next(1, 4), text.Length - at));
                        break;
                    case 1:
                        text.Insert(at, Signs[random.Next(Signs.Length)]);
                        break;
                    case 2:
                        text[at] = Signs[random.Next(Signs.Length)];
                        break;
                    default:
                        text.Length = at;
                        break;
                }
                if (text.Length == 0)
                    text.Append('{');
            }
            Assert.True(IsObject(text.ToString()) == IsTaken(text.ToString()), text.ToString());
        }
    }

    [Theory]
    [InlineData(RoutingLimits.BodyDepthMax - 1, true)]
    [InlineData(RoutingLimits.BodyDepthMax, false)]
    [InlineData(100_000, false)]
    public void Document_NestedDeeply_IsTakenUpToTheBound(int depth, bool isTaken)
    {
        var text = "{\"x\":" + new string('[', depth) + new string(']', depth) + "}";
        Assert.Equal(isTaken, IsTaken(text));
    }

    private static bool IsObject(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool IsTaken(string text)
    {
        var trie = new JsonTrie();
        trie.Add("a");
        trie.Add("b[2].c");
        trie.Add("d.e");
        trie.Seal();
        var slots = new Value[trie.SlotCount];
        JsonSlots.Read(trie, Encoding.UTF8.GetBytes(text), slots, TextSource.Body, new TextScratch());
        return !Array.TrueForAll(slots, static s => s.Kind == ValueKind.Undefined);
    }
}
