using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Hubbub.Core.Tests.Tidy;

/// <summary>The references that ARCHITECTURE.md allows, and no others.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> Projects = new()
    {
        ["Hubbub.Amqp"] = [],
        ["Hubbub.Core"] = [],
        ["Hubbub.Storage"] = ["Hubbub.Core"],
        ["Hubbub.Server"] = ["Hubbub.Amqp", "Hubbub.Core", "Hubbub.Storage"],
        ["Hubbub.Client"] = ["Hubbub.Amqp"],
        ["Hubbub.Kafka"] = ["Hubbub.Server"],
        ["Hubbub.Cli"] = ["Hubbub.Client", "Hubbub.Kafka", "Hubbub.Server"],
    };

    /// <summary>What a folder of Hubbub.Amqp may use of the others.</summary>
    private static readonly Dictionary<string, string[]> AmqpLayers = new()
    {
        ["Codec"] = [],
        ["Performatives"] = ["Codec"],
        ["Messages"] = ["Codec", "Performatives"],
        ["Framing"] = ["Codec", "Performatives"],
        ["Engine"] = ["Codec", "Performatives", "Framing"],
        ["Transport"] = ["Codec", "Performatives", "Framing", "Engine"],
    };

    [Fact]
    public void Projects_References_AreTheAllowedOnes()
    {
        foreach (var (project, allowed) in Projects)
        {
            var references = Items(project, "ProjectReference").Select(Path.GetFileNameWithoutExtension).Order();
            Assert.Equal(allowed.Order(), references!);
        }
        Assert.Equal(Projects.Keys.Order(), Directory.GetDirectories(Path.Combine(SourceTree.Root, "src")).Select(Path.GetFileName).Order()!);
    }

    [Theory]
    [InlineData("Hubbub.Amqp")]
    [InlineData("Hubbub.Core")]
    public void Foundations_Packages_AreNone(string project) => Assert.Empty(Items(project, "PackageReference"));

    [Fact]
    public void AmqpLayers_Usings_PointDownwardsOnly()
    {
        var wrong = new List<string>();
        foreach (var (layer, allowed) in AmqpLayers)
        {
            foreach (var path in SourceTree.CSharp($"src/Hubbub.Amqp/{layer}"))
            {
                foreach (Match match in AmqpNamespace().Matches(File.ReadAllText(path)))
                {
                    var used = match.Groups[1].Value;
                    if (used != layer && AmqpLayers.ContainsKey(used) && !allowed.Contains(used))
                        wrong.Add($"{SourceTree.Relative(path)} uses {used}");
                }
            }
        }
        Assert.Empty(wrong);
        Assert.Equal(
            AmqpLayers.Keys.Order(),
            Directory.GetDirectories(Path.Combine(SourceTree.Root, "src/Hubbub.Amqp")).Select(Path.GetFileName)
                .Where(static name => name is not ("bin" or "obj")).Order()!);
    }

    [Theory]
    [InlineData("Codec")]
    [InlineData("Performatives")]
    [InlineData("Messages")]
    [InlineData("Framing")]
    [InlineData("Engine")]
    public void SansIo_Source_HasNoClockThreadSocketOrTask(string layer)
    {
        var wrong = SourceTree.CSharp($"src/Hubbub.Amqp/{layer}")
            .Where(static path => Effects().IsMatch(WithoutComments(path)))
            .Select(SourceTree.Relative);
        Assert.Empty(wrong);
    }

    [Fact]
    public void Core_Source_NamesNeitherAmqpNorHttpNorSql()
    {
        var wrong = SourceTree.CSharp("src/Hubbub.Core")
            .Where(static path => Outside().IsMatch(WithoutComments(path)))
            .Select(SourceTree.Relative);
        Assert.Empty(wrong);
    }

    [Fact]
    public void Server_AmqpAndHttp_DoNotCallEachOther()
    {
        Assert.DoesNotContain(SourceTree.CSharp("src/Hubbub.Server/Amqp"), static p => Names(p, "Hubbub.Server.Http"));
        Assert.DoesNotContain(SourceTree.CSharp("src/Hubbub.Server/Http"), static p => Names(p, "Hubbub.Server.Amqp"));
    }

    [Fact]
    public void Server_Messages_KnowNeitherAmqpNorHttp()
    {
        Assert.DoesNotContain(SourceTree.CSharp("src/Hubbub.Server/Messages"), static p => Names(p, "Hubbub.Server.Amqp"));
        Assert.DoesNotContain(SourceTree.CSharp("src/Hubbub.Server/Messages"), static p => Names(p, "Hubbub.Server.Http"));
    }

    private static bool Names(string path, string what) => File.ReadAllText(path).Contains(what, StringComparison.Ordinal);

    private static IEnumerable<string> Items(string project, string kind) =>
        XDocument.Load(Path.Combine(SourceTree.Root, "src", project, $"{project}.csproj"))
            .Descendants(kind).Select(static e => e.Attribute("Include")!.Value.Replace('\\', '/'));

    private static string WithoutComments(string path) => Comment().Replace(File.ReadAllText(path), "");

    [GeneratedRegex(@"Hubbub\.Amqp\.(\w+)")]
    private static partial Regex AmqpNamespace();

    [GeneratedRegex(@"\b(async|Task|ValueTask|Thread|Socket|DateTime|Stopwatch|Environment\.TickCount|TimeProvider|ILogger|lock)\b")]
    private static partial Regex Effects();

    [GeneratedRegex(@"using (Hubbub\.Amqp|Microsoft\.AspNetCore|Microsoft\.Data|System\.Net\.Http|System\.Data)")]
    private static partial Regex Outside();

    [GeneratedRegex(@"//.*|/\*[\s\S]*?\*/")]
    private static partial Regex Comment();
}
