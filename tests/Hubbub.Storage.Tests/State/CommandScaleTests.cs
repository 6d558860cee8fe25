using System.Diagnostics;
using Hubbub.Core.Commands;
using Hubbub.Core.Identities;
using Hubbub.Storage.State;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Storage.Tests.State;

/// <summary>Many commands that wait.</summary>
[Collection<MeasuredAlone>]
public sealed class CommandScaleTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Start_With100000CommandsOver10000Devices_IsQuickAndSmall()
    {
        using (var store = StateStore.Open(_directory.Path, _time))
        {
            var registry = await IdentityRegistry.OpenAsync(store, _time, Cancellation);
            var payload = new byte[256];
            foreach (var ids in Enumerable.Range(0, 10_000).Chunk(500))
            {
                await Task.WhenAll(ids.Select(i => registry.CreateDeviceAsync(
                    new DeviceDescription { DeviceId = $"device-{i}" }, Cancellation).AsTask()));
            }
            var writes = new List<CommandWrite>();
            for (var i = 0; i < 100_000; i++)
            {
                var id = $"device-{i % 10_000}";
                var command = new StoredCommand
                {
                    SequenceNumber = i + 1,
                    Target = new(id),
                    GenerationId = registry.FindDevice(id)!.GenerationId,
                    MessageId = Guid.NewGuid().ToString(),
                    Ack = FeedbackMode.Full,
                    EnqueuedAt = _time.GetUtcNow(),
                    ExpiresAt = _time.GetUtcNow().AddHours(1),
                };
                writes.Add(new CommandWrite.Add(command, payload));
            }
            foreach (var part in writes.Chunk(5_000))
                Assert.Null(await store.WriteAsync(part, Cancellation));
        }
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var started = Stopwatch.GetTimestamp();
        var cpuBefore = Environment.CpuUsage.TotalTime;

        using var reopened = StateStore.Open(_directory.Path, _time);
        var again = await IdentityRegistry.OpenAsync(reopened, _time, Cancellation);
        await using var queues = await CommandQueues.OpenAsync(
            reopened, again, new CommandOptions(), _time, e => Assert.Fail(e.Message), Cancellation);

        var elapsed = Stopwatch.GetElapsedTime(started);
        var cpu = Environment.CpuUsage.TotalTime - cpuBefore;
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{elapsed.TotalMilliseconds:F0} ms, {cpu.TotalMilliseconds:F0} ms of CPU, {bytes / 1_048_576.0:F1} MiB with the devices");
        Assert.Equal(100_000, queues.Counters.Pending);
        // The aims are 2 s and 200 MiB for the whole process. CPU time, for the machine may have other things to do.
        Assert.InRange(cpu.TotalSeconds, 0, 3);
        Assert.InRange(bytes, long.MinValue, 100 << 20);
    }
}
