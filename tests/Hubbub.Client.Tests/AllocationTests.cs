namespace Hubbub.Client.Tests;

/// <summary>Nothing else runs while these measure the heap.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}

/// <summary>A send allocates nothing, and an event no more than the object that the caller gets and its bytes.</summary>
[Collection(AloneCollection.Name)]
public sealed class AllocationTests(ITestOutputHelper output)
{
    private const int Rounds = 40, PerRound = 1_000, WarmUp = 10;

    /// <summary>
    /// The smallest object there is: what reads, writes, commits and their waits need, spread over a round, is less,
    /// and an object for each send would come on top of it.
    /// </summary>
    private const double BytesPerSendMax = 24;

    /// <summary>Header, type, partition, the view of its bytes, what is decoded of it: one <see cref="ReceivedEvent"/>.</summary>
    private const int EventObjectBytes = 48;

    [Fact]
    public async Task Send_OverTlsToTheHub_AllocatesNothingPerMessage()
    {
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(
            await hub.CreateDeviceAsync("d"), new DeviceClientOptions { SendWindow = PerRound });
        await device.OpenAsync(Some.Patience);
        var message = new TelemetryMessage(new byte[256]);
        var sends = new ValueTask[PerRound];
        var allocated = new long[Rounds];

        for (var round = 0; round < Rounds; round++)
        {
            allocated[round] = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < PerRound; i++)
#pragma warning disable CA2012 // Each is awaited once, below; a Task for each would be measured too.
                sends[i] = device.SendAsync(message, CancellationToken.None);
#pragma warning restore CA2012
            for (var i = 0; i < PerRound; i++)
                await sends[i];
        }

        var each = MedianPerMessage(allocated);
        output.WriteLine($"{each:0.00} bytes allocated a send, the hub's side included");
        Assert.InRange(each, 0, BytesPerSendMax);
    }

    [Fact]
    public async Task Read_EventsThatAreThere_AllocatesTheEventAndNothingElse()
    {
        const int Count = 1_000;
        var hub = new FakeHub { Partitions = 1 };
        await using var reader = Some.ReaderOf(hub);
        await using var subscription = await reader.SubscribeAsync(
            EventPosition.Start, cancellationToken: Some.Patience);
        var sent = Some.Event(7, new string('x', 256));
        await using var events = subscription.GetAsyncEnumerator(Some.Patience);
        // The credit grows with what is read, so that the events come in several helpings.
        for (var helping = 0; helping < 10; helping++)
        {
            for (var i = 0; i < Count / 10; i++)
                await hub.Last.SendEventAsync("0", sent, Some.Patience);
            for (var i = 0; i < Count / 10; i++)
                Assert.True(await events.MoveNextAsync());
        }
        for (var i = 0; i < Count; i++)
            await hub.Last.SendEventAsync("0", sent, Some.Patience);
        // The answer comes behind the events, so that all of them are here.
        await reader.GetPropertiesAsync(Some.Patience);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var isThere = true;
        long bodies = 0, numbers = 0;
        for (var i = 0; i < Count; i++)
        {
            var move = events.MoveNextAsync();
            isThere &= move.IsCompletedSuccessfully;
            isThere &= await move;
            bodies += events.Current.Body.Length;
            numbers += events.Current.SequenceNumber;
        }
        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Count;

        output.WriteLine($"{each:0.00} bytes allocated an event by its reader");
        Assert.True(isThere, "An event that was there had to be waited for.");
        Assert.Equal((256L * Count, 7L * Count), (bodies, numbers));
        Assert.InRange(each, EventObjectBytes, EventObjectBytes + 8);
    }

    /// <summary>The median: a pool that a thread meets for the first time may well allocate a large array once.</summary>
    private static double MedianPerMessage(long[] allocated) => Enumerable.Range(WarmUp, Rounds - WarmUp - 1)
        .Select(i => allocated[i + 1] - allocated[i]).Order().ElementAt((Rounds - WarmUp) / 2) / (double)PerRound;
}
