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
    public async Task Batch_LargerThanAFileMayBe_IsSpreadOverFiles_AndWhatIsWrittenWhenItFailsStays()
    {
        await using var sink = Sink(rotateBytes: 4096);
        await sink.OpenAsync(null, Cancellation);
        ReadOnlyMemory<StoredEvent> events = StoredEvents.Several(100);
        // A directory of the second file's name is in its way.
        await sink.DeliverAsync(events[..1], "b", Cancellation);
        var lineBytes = new FileInfo(Path.Combine(_directory["out"], Files[0])).Length;
        var perFile = (int)((4096 + lineBytes - 1) / lineBytes);
        var obstacle = Path.Combine(_directory["out"], $"factory-20260501T100000Z-{perFile:d12}.jsonl.part");
        Directory.CreateDirectory(obstacle);

        var stopped = await sink.DeliverAsync(events[1..], "b", Cancellation);
        Directory.Delete(obstacle);
        var rest = events[(1 + stopped.Delivered)..];
        var done = await sink.DeliverAsync(rest, "b", Cancellation);

        Assert.Equal((SinkFailure.Transient, perFile - 1), (stopped.Failure, stopped.Delivered));
        Assert.Equal(SinkResult.Done(rest.Length), done);
        var lengths = Files.Select(file => new FileInfo(Path.Combine(_directory["out"], file)).Length).ToList();
        Assert.True(lengths.Count > 3);
        Assert.All(lengths, length => Assert.InRange(length, 1, 4096 + (2 * lineBytes)));
        var numbers = Files.SelectMany(file => File.ReadAllLines(Path.Combine(_directory["out"], file))).Select(static line =>
            JsonDocument.Parse(line).RootElement.GetProperty("Body").GetProperty("n").GetInt32());
        Assert.Equal(Enumerable.Range(0, 100), numbers);
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

    private JsonFileSink Sink(long rotateBytes = 64 << 20) => new(
        "factory",
        _directory["out"],
        new JsonFileOptions { Directory = "out", RotateBytes = rotateBytes },
        LocalFileSystem.Instance,
        _time);
}
