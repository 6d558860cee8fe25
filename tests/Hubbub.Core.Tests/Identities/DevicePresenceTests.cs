using Hubbub.Core.Identities;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Core.Tests.Identities;

/// <summary>How many devices are connected is counted along, and must be what counting them would give.</summary>
public sealed class DevicePresenceTests
{
    private const int Devices = 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Count_WhateverComesAndGoes_IsThatOfTheConnectedDevices()
    {
        var random = new Random(Seeds.Get());
        var registry = await IdentityRegistry.OpenAsync(new MemoryIdentityStore(), TimeProvider.System, Cancellation);
        using var presence = new DevicePresence(registry, new FakeTimeProvider());
        var open = new List<DevicePresence.Connection>();
        for (var i = 0; i < 5_000; i++)
        {
            var id = Id(random.Next(Devices));
            switch (random.Next(10))
            {
                case 0:
                    await registry.DeleteDeviceAsync(id, IfMatch.Any, Cancellation);
                    break;
                case < 5:
                    await registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation);
                    open.Add(presence.Connect(id, random.Next(4) == 0 ? "m1" : null));
                    break;
                default:
                    Close(open, random.Next(open.Count + 1));
                    break;
            }
            Assert.Equal(Counted(presence), presence.ConnectedDeviceCount);
        }
        while (open.Count > 0)
            Close(open, 0);
        Assert.Equal(0, presence.ConnectedDeviceCount);
    }

    [Fact]
    public async Task Count_OfDevicesDeletedWhileTheyComeAndGo_IsRightInTheEnd()
    {
        var seed = Seeds.Get();
        var registry = await IdentityRegistry.OpenAsync(new MemoryIdentityStore(), TimeProvider.System, Cancellation);
        using var presence = new DevicePresence(registry, TimeProvider.System);
        var kept = new List<DevicePresence.Connection>();

        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(
            async () =>
            {
                var random = new Random(seed + worker);
                for (var i = 0; i < 2_000; i++)
                {
                    var id = Id(random.Next(Devices));
                    if (random.Next(8) == 0)
                    {
                        await registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation);
                        await registry.DeleteDeviceAsync(id, IfMatch.Any, Cancellation);
                    }
                    var connection = presence.Connect(id, null);
                    if (random.Next(100) > 0)
                        connection.Dispose();
                    else
                        lock (kept)
                            kept.Add(connection);
                }
            },
            Cancellation)));

        Assert.Equal(Counted(presence), presence.ConnectedDeviceCount);
        kept.ForEach(static connection => connection.Dispose());
        Assert.Equal(0, presence.ConnectedDeviceCount);
    }

    private static int Counted(DevicePresence presence) =>
        Enumerable.Range(0, Devices).Count(i => presence.StateOf(Id(i), null).IsConnected);

    private static string Id(int number) => $"d{number}";

    private static void Close(List<DevicePresence.Connection> open, int index)
    {
        if (index >= open.Count)
            return;
        open[index].Dispose();
        open.RemoveAt(index);
    }
}
