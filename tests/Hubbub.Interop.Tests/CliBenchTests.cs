using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary><c>hubbub bench</c> measures a hub and leaves no device behind.</summary>
public sealed class CliBenchTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    [Fact]
    public async Task Bench_OfAllPhases_CountsEachAndRemovesItsDevices()
    {
        var phases = (await Cli.RunAsync(own.Hub, "bench", "--devices", "3", "--seconds", "1", "--json")).Json;

        Assert.Equal(["telemetry", "read", "commands"], phases.Select(phase => phase.Text("phase")));
        Assert.All(phases, phase => Assert.True(phase.Number("count") > 0, $"{phase}"));
        Assert.All(phases.Where(phase => phase.Text("phase") != "read"), phase =>
        {
            var (p50, p99, max) = (
                phase.GetProperty("p50Ms").GetDouble(), phase.GetProperty("p99Ms").GetDouble(), phase.GetProperty("maxMs").GetDouble());
            Assert.True(p50 > 0 && p50 <= p99 && p99 <= max, $"{phase}");
        });
        Assert.Empty((await Cli.RunAsync(own.Hub, "device", "list", "--json")).Json);
    }

    [Fact]
    public async Task Bench_WithNonsense_IsAUsageError()
    {
        Assert.Equal(2, (await Cli.RunAsync(own.Hub, "bench", "--devices", "0")).ExitCode);
        Assert.Equal(2, (await Cli.RunAsync(own.Hub, "bench", "--phase", "dance")).ExitCode);
    }
}
