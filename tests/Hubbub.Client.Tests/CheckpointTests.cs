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
    public async Task File_CrashAtAnyByteOfTheNextOne_LeavesTheLastOne()
    {
        var store = new FileCheckpointStore(_directory.FullName);
        await store.SaveAsync(Key, new Checkpoint(7, "700"), Some.Patience);
        var file = Assert.Single(_directory.GetFiles()).FullName;
        var content = await File.ReadAllBytesAsync(file, Some.Patience);

        for (var length = 0; length <= content.Length; length++)
        {
            // What a process leaves that dies while it writes: the new file is not yet in the place of the old one.
            var beside = $"{file}.{Guid.NewGuid():N}.new";
            await File.WriteAllBytesAsync(beside, content[..length], Some.Patience);
            File.SetLastWriteTimeUtc(beside, TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-2));
            Assert.Equal(new Checkpoint(7, "700"), await store.LoadAsync(Key, Some.Patience));
        }
        var fresh = $"{file}.{Guid.NewGuid():N}.new";
        await File.WriteAllBytesAsync(fresh, content, Some.Patience);

        // The next process clears up, but not what another one writes just now.
        var next = new FileCheckpointStore(_directory.FullName);
        Assert.Equal([file, fresh], _directory.GetFiles().Select(left => left.FullName).Order(StringComparer.Ordinal));
        await next.SaveAsync(Key, new Checkpoint(8, "800"), Some.Patience);
        Assert.Equal(new Checkpoint(8, "800"), await store.LoadAsync(Key, Some.Patience));
    }

    [Fact]
    public async Task File_OfTwoProcesses_IsAlwaysTheWholeLastOneOfEither()
    {
        FileCheckpointStore[] processes = [new(_directory.FullName), new(_directory.FullName)];
        await processes[0].SaveAsync(Key, new Checkpoint(0, "0"), Some.Patience);

        await Parallel.ForAsync(1, 200, Some.Patience, async (i, cancellation) =>
        {
            await processes[i % 2].SaveAsync(Key, new Checkpoint(i, FakeHub.Text(i)), cancellation);
            var read = await processes[(i + 1) % 2].LoadAsync(Key, cancellation);
            Assert.Equal(FakeHub.Text((int)read!.SequenceNumber), read.Offset);
        });

        Assert.Single(_directory.GetFiles());
    }

    [Fact]
    public async Task File_OfNamesThatAreTooLongForOne_IsKeptForEachOfThem()
    {
        var store = new FileCheckpointStore(_directory.FullName);
        var first = new CheckpointKey(new string('h', 200), new string('e', 200), "g", "0");

        await store.SaveAsync(first, new Checkpoint(1, "1"), Some.Patience);
        await store.SaveAsync(first with { PartitionId = "1" }, new Checkpoint(2, "2"), Some.Patience);

        Assert.Equal(1, (await store.LoadAsync(first, Some.Patience))!.SequenceNumber);
        Assert.Equal(2, (await store.LoadAsync(first with { PartitionId = "1" }, Some.Patience))!.SequenceNumber);
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
