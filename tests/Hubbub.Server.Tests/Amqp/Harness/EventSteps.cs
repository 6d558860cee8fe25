using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>What tests of readers begin with.</summary>
internal static class EventSteps
{
    /// <summary>A hub of one partition with a device, and the device's telemetry link.</summary>
    public static async Task<(TestHub Hub, PeerLink Telemetry)> StartWithOnePartitionAsync()
    {
        var hub = await TestHub.StartAsync(partitions: 1);
        await hub.CreateDeviceAsync("d1");
        return (hub, await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1"));
    }

    /// <summary>Sends numbered events and waits until they are committed.</summary>
    public static async Task SendEventsAsync(this PeerLink telemetry, int from, int count)
    {
        uint last = 0;
        for (var i = 0; i < count; i++)
        {
            last = await telemetry.SendAsync(Values.Message($"{from + i}"));
            // Within the credit, whatever the hub's pace.
            if (i % 1_000 == 999)
                Assert.IsType<Accepted>(await telemetry.OutcomeAsync(last));
        }
        Assert.IsType<Accepted>(await telemetry.OutcomeAsync(last));
    }
}
