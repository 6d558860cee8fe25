using System.Net;
using System.Net.Sockets;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary><c>hubbub doctor</c> beside a hub that runs, and on a machine where one could not.</summary>
public sealed class CliDoctorTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    [Fact]
    public async Task RunningHub_IsFoundHealthy_AndItsOwnAuthorityUntrusted()
    {
        var findings = (await Cli.RunAsync(own.Hub, "doctor", "--json")).Json;

        Assert.DoesNotContain(findings, finding => finding.Text("level") == "problem");
        Assert.Contains(findings, finding => finding.Text("subject") == "key" && finding.Text("level") == "ok");
        var trust = Assert.Single(findings, finding => finding.Text("subject") == "trust");
        Assert.Equal("warning", trust.Text("level"));
        Assert.Contains("hubbub trust", trust.Text("remedy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HubThatDiedWithoutAWord_IsAProblemWithARemedy()
    {
        var data = Directory.CreateTempSubdirectory("hubbub-doctor-").FullName;
        var file = await File.ReadAllTextAsync(Path.Combine(own.Hub.Data, "hub.json"), TestContext.Current.CancellationToken);
        var closed = FreePort();
        var stale = file.Replace($"\"amqps\":{own.Hub.Up.Ports.Amqps}", $"\"amqps\":{closed}", StringComparison.Ordinal);
        Assert.NotEqual(file, stale);
        await File.WriteAllTextAsync(Path.Combine(data, "hub.json"), stale, TestContext.Current.CancellationToken);

        var result = await Cli.RunBareAsync("doctor", "--data", data, "--json");

        Assert.Equal(1, result.ExitCode);
        var line = Assert.Single(result.Lines, line => line.Contains("\"problem\"", StringComparison.Ordinal));
        Assert.Contains($"{closed} does not answer", line, StringComparison.Ordinal);
        Directory.Delete(data, recursive: true);
    }

    [Fact]
    public async Task DataDirectoryThatIsAFile_IsAProblem()
    {
        var file = Path.GetTempFileName();

        var result = await Cli.RunBareAsync("doctor", "--data", Path.Combine(file, "data"));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(result.Lines, line =>
            line.StartsWith("problem", StringComparison.Ordinal) && line.Contains(file, StringComparison.Ordinal));
        File.Delete(file);
    }

    [Fact]
    public async Task HubWhoseProcessIsGone_IsSaidToHaveEnded_AndNothingElse()
    {
        await using var hub = await HubProcess.StartAsync(TestContext.Current.CancellationToken);
        await hub.KillAsync(TestContext.Current.CancellationToken);

        var result = await Cli.RunAsync(hub, "doctor");

        Assert.Equal(1, result.ExitCode);
        var problem = Assert.Single(result.Lines, line => line.StartsWith("problem", StringComparison.Ordinal));
        Assert.Contains("ended without a word", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HubFileThatCannotBeRead_IsTheOneFinding()
    {
        var data = Directory.CreateTempSubdirectory("hubbub-doctor-").FullName;
        await File.WriteAllTextAsync(Path.Combine(data, "hub.json"), "{", TestContext.Current.CancellationToken);

        var result = await Cli.RunBareAsync("doctor", "--data", data);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("hub.json' is damaged", Assert.Single(result.Lines), StringComparison.Ordinal);
        Directory.Delete(data, recursive: true);
    }

    [Theory]
    [InlineData(0, "ok")]
    [InlineData(600, "problem")]
    [InlineData(-600, "problem")]
    public async Task HubElsewhere_WithAnotherClock_IsAProblem(int offsetSeconds, string level)
    {
        await using var elsewhere = new SkewedHub(TimeSpan.FromSeconds(offsetSeconds));

        var findings = await elsewhere.ExamineAsync();

        var clock = Assert.Single(findings, finding => finding.Text("subject") == "clock");
        Assert.Equal(level, clock.Text("level"));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
