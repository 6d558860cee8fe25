namespace Hubbub.Client.Tests;

/// <summary>How far a reader has come, kept over its own end.</summary>
public sealed class CheckpointTests : IDisposable
{
    private static readonly CheckpointKey Key = new("hub.example", "events", "$Default", "0");
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hubbub-checkpoints-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Reader_GoesOnBehindItsCheckpoint()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        for (var i = 0; i < 5; i++)
            await device.SendAsync(new TelemetryMessage("x") { MessageId = FakeHub.Text(i) }, Some.Patience);
        var options = new EventReaderOptions { Checkpoints = new FileCheckpointStore(_directory.FullName) };

        Assert.Equal(["0", "1", "2"], await ReadAsync(hub, options, 3));
        Assert.Equal(["3", "4"], await ReadAsync(hub, options, 2));
    }

    [Fact]
    public async Task File_HoldsTheLastOneAndNothingElseIsLeft()
    {
        var store = new FileCheckpointStore(Path.Combine(_directory.FullName, "new"));

        Assert.Null(await store.LoadAsync(Key, Some.Patience));
        await store.SaveAsync(Key, new Checkpoint(1, "100"), Some.Patience);
        await store.SaveAsync(Key, new Checkpoint(long.MaxValue, "a \"quoted\" one"), Some.Patience);

        Assert.Equal(new Checkpoint(long.MaxValue, "a \"quoted\" one"), await store.LoadAsync(Key, Some.Patience));
        Assert.Null(await store.LoadAsync(Key with { PartitionId = "1" }, Some.Patience));
        Assert.Single(_directory.GetFiles("*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task File_ManyAtATime_IsAlwaysWhole()
    {
        var store = new FileCheckpointStore(_directory.FullName);
        await store.SaveAsync(Key, new Checkpoint(0, "0"), Some.Patience);

        await Parallel.ForAsync(1, 50, Some.Patience, async (i, cancellation) =>
        {
            await store.SaveAsync(Key, new Checkpoint(i, FakeHub.Text(i)), cancellation);
            var read = await store.LoadAsync(Key, cancellation);
            Assert.Equal(FakeHub.Text((int)read!.SequenceNumber), read.Offset);
        });
    }

    [Fact]
    public async Task File_OfNamesThatLeadElsewhere_StaysInItsDirectory()
    {
        var store = new FileCheckpointStore(Path.Combine(_directory.FullName, "inner"));
        var odd = new CheckpointKey("..", "../../etc", "~a~", "/");

        await store.SaveAsync(odd, new Checkpoint(7, "7"), Some.Patience);

        Assert.Equal("inner", Assert.Single(_directory.GetFiles("*", SearchOption.AllDirectories)).Directory!.Name);
        Assert.Equal(7, (await store.LoadAsync(odd, Some.Patience))!.SequenceNumber);
    }

    [Fact]
    public async Task File_ThatIsNoCheckpoint_IsNamedAndNotTakenForNone()
    {
        var store = new FileCheckpointStore(_directory.FullName);
        await store.SaveAsync(Key, new Checkpoint(7, "7"), Some.Patience);
        var file = Assert.Single(_directory.GetFiles()).FullName;
        await File.WriteAllTextAsync(file, "{}", Some.Patience);

        var failed = await Assert.ThrowsAsync<InvalidDataException>(
            async () => await store.LoadAsync(Key, Some.Patience));
        Assert.Contains(file, failed.Message, StringComparison.Ordinal);
    }

    private static async Task<List<string?>> ReadAsync(RealHub hub, EventReaderOptions options, int count)
    {
        await using var reader = EventReader.CreateFromConnectionString(hub.ConnectionStringOf("service"), options);
        var read = new List<string?>();
        await foreach (var received in reader.ReadAsync(EventPosition.Start, Some.Patience))
        {
            read.Add(received.MessageId);
            await reader.CheckpointAsync(received, Some.Patience);
            if (read.Count == count)
                break;
        }
        return read;
    }
}
