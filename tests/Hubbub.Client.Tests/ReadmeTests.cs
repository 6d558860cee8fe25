using System.Text.RegularExpressions;

namespace Hubbub.Client.Tests;

/// <summary>What the package's README shows compiles and works.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public async Task Samples_WorkTogetherAgainstAHub()
    {
        await using var hub = await RealHub.StartAsync();
        var device = await hub.CreateDeviceAsync("thermostat-1");
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Some.Patience);

        await ReadmeSamples.SendAsync(device);
        var receiving = ReadmeSamples.ReceiveAsync(device, enough.Token);
        await ReadmeSamples.ServeAsync(hub.ConnectionStringOf("service"), Some.Patience);

        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => receiving);
    }

    [Fact]
    public async Task Samples_AreThoseOfTheReadme()
    {
        var root = PublicApiTests.Root();
        var source = await File.ReadAllTextAsync(
            Path.Combine(root, "tests", "Hubbub.Client.Tests", "ReadmeSamples.cs"), Some.Patience);
        var readme = await File.ReadAllTextAsync(
            Path.Combine(root, "src", "Hubbub.Client", "README.md"), Some.Patience);

        var compiled = Sample().Matches(source).Select(match => Outdented(match.Groups[1].Value)).ToList();
        var shown = Fence().Matches(readme).Select(match => match.Groups[1].Value).ToList();

        Assert.Equal(3, compiled.Count);
        Assert.Equal(compiled, shown);
    }

    private static string Outdented(string code) =>
        string.Join('\n', code.Split('\n').Select(line => line.StartsWith("        ", StringComparison.Ordinal) ? line[8..] : line))
            .TrimEnd(' ');

    [GeneratedRegex(@"// sample: \w+\n(.*?) *// end", RegexOptions.Singleline)]
    private static partial Regex Sample();

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fence();
}
