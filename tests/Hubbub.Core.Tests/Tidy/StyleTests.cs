using System.Text.RegularExpressions;

namespace Hubbub.Core.Tests.Tidy;

/// <summary>The rules of CONTRIBUTING.md that a program can check.</summary>
public sealed partial class StyleTests
{
    private const int FileLinesMax = 400;
    private const int ColumnsMax = 120;

    [Fact]
    public void SourceFiles_Length_IsWithinLimit() =>
        Assert.Empty(SourceTree.CSharp("src")
            .Select(static path => (path, lines: File.ReadLines(path).Count()))
            .Where(static file => file.lines > FileLinesMax)
            .Select(static file => $"{SourceTree.Relative(file.path)}: {file.lines} lines"));

    [Fact]
    public void SourceLines_Length_IsWithinLimit() =>
        Assert.Empty(SourceTree.CSharp("src").SelectMany(static path => File.ReadLines(path)
            .Select((line, index) => (line, index))
            .Where(static l => l.line.Length > ColumnsMax)
            .Select(l => $"{SourceTree.Relative(path)}:{l.index + 1}: {l.line.Length} columns")));

    [Fact]
    public void TypeNames_Words_SayWhatTheTypeIs() =>
        Assert.Empty(Found(VagueName(), SourceTree.CSharp("src")));

    [Fact]
    public void Sources_Markers_AreNotLeftOpen() =>
        Assert.Empty(Found(OpenMarker(), SourceTree.CSharp("src").Concat(SourceTree.CSharp("tests"))
            .Where(static path => !path.EndsWith("StyleTests.cs", StringComparison.Ordinal))));

    [Fact]
    public void Tests_Waits_AreNotSleeps() =>
        Assert.Empty(Found(Sleep(), SourceTree.CSharp("tests")
            .Where(static path => !path.EndsWith("StyleTests.cs", StringComparison.Ordinal))));

    [Fact]
    public void Logs_Calls_GoThroughLogMessages() =>
        Assert.Empty(Found(DirectLog(), SourceTree.CSharp("src")));

    private static IEnumerable<string> Found(Regex pattern, IEnumerable<string> paths) =>
        from path in paths
        let match = pattern.Match(File.ReadAllText(path))
        where match.Success
        select $"{SourceTree.Relative(path)}: {match.Value.Trim()}";

    [GeneratedRegex(@"\b(class|struct|interface|record)\s+\w*(Manager|Helper|Helpers|Utils|Util|Impl|Base)\b")]
    private static partial Regex VagueName();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX|NotImplementedException)\b")]
    private static partial Regex OpenMarker();

    [GeneratedRegex(@"Thread\.Sleep|Task\.Delay\((?![^;]*_?time\b)")]
    private static partial Regex Sleep();

    [GeneratedRegex(@"\.Log(Trace|Debug|Information|Warning|Error|Critical)\(")]
    private static partial Regex DirectLog();
}
