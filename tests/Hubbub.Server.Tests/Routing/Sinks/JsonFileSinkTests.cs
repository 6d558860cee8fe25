using System.Text.Json;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Server.Routing.Sinks;
using Hubbub.Server.Tests.Hosting;
using Hubbub.Storage.Files;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Routing.Sinks;

/// <summary>Events in files on a real disk; crashes are tested where the files are made, on a simulated one.</summary>
public sealed class JsonFileSinkTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 10, 0, 0, TimeSpan.Zero));
    private readonly TestDirectory _directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string[] Files => [.. Directory.GetFiles(_directory["out"]).Select(Path.GetFileName).Order()!];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Events_OfAnEndpoint_AreOneLineEach()
    {
        await using var sink = Sink();
        Assert.Equal(SinkResult.Done(), await sink.OpenAsync(null, Cancellation));
        Assert.Null(sink.State);
        Assert.Equal(SinkResult.Done(3), await sink.DeliverAsync(StoredEvents.Several(3), "b", Cancellation));
        Assert.Equal(["factory-20260501T100000Z-000000000000.jsonl.part"], Files);
        Assert.EndsWith(Files[0], sink.State, StringComparison.Ordinal);
        var lines = await File.ReadAllLinesAsync(Path.Combine(_directory["out"], Files[0]), Cancellation);
        Assert.Equal([0, 1, 2], lines.Select(static line =>
            JsonDocument.Parse(line).RootElement.GetProperty("Body").GetProperty("n").GetInt32()));
    }

    [Fact]
    public async Task File_WhoseTimeIsOver_IsFinishedWithoutAnEvent()
    {
        await using var sink = Sink();
        await sink.OpenAsync(null, Cancellation);
        await sink.DeliverAsync(StoredEvents.Several(3), "b", Cancellation);
        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.EndsWith(".part", Files[0], StringComparison.Ordinal);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["factory-20260501T100000Z-000000000000.jsonl"], Files);
        Assert.Null(sink.State);
    }

    [Fact]
    public async Task Directory_ThatCannotBeMade_IsTriedAgain()
    {
        await File.WriteAllTextAsync(_directory["out"], "in the way", Cancellation);
        await using var sink = Sink();
        var result = await sink.OpenAsync(null, Cancellation);
        Assert.Equal(SinkFailure.Transient, result.Failure);
        File.Delete(_directory["out"]);
        Assert.Equal(SinkResult.Done(), await sink.OpenAsync(null, Cancellation));
    }

    [Theory]
    [InlineData("telemetry", true)]
    [InlineData("a/b/c", true)]
    [InlineData("a/../b", true)]
    [InlineData("..", false)]
    [InlineData("../other", false)]
    [InlineData("a/../../other", false)]
    [InlineData("", false)]
    [InlineData("a\0b", false)]
    [InlineData("/etc", false)]
    [InlineData("/srv/lake", true)]
    [InlineData("/srv/lake/in", true)]
    [InlineData("/srv/lakes", false)]
    [InlineData("/srv/lake/../secret", false)]
    public void Directory_OfAnEndpoint_StaysWhereTheOperatorAllows(string directory, bool isAllowed)
    {
        var policy = new SinkPolicy { FileDirectory = "/data/files", AllowedDirectories = ["/srv/lake"] };
        var options = new JsonFileOptions { Directory = directory };
        Assert.Equal(isAllowed, options.ResolveDirectory(policy) is not null);
        Assert.Equal(isAllowed, options.Validate(policy) is null);
    }

    private JsonFileSink Sink() => new(
        "factory", _directory["out"], new JsonFileOptions { Directory = "out" }, LocalFileSystem.Instance, _time);
}
