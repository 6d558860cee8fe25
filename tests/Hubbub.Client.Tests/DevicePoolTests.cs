namespace Hubbub.Client.Tests;

/// <summary>Many devices over one connection.</summary>
public sealed class DevicePoolTests
{
    [Fact]
    public async Task Devices_ShareOneConnection_AndEachSendsAndReceivesForItself()
    {
        const int Count = 100;
        await using var hub = await RealHub.StartAsync();
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        await using var pool = new DevicePool();
        var devices = new List<DeviceClient>();
        for (var i = 0; i < Count; i++)
            devices.Add(pool.CreateFromConnectionString(await hub.CreateDeviceAsync($"p{i}")));

        await Task.WhenAll(devices.Select(
            device => device.SendAsync(new TelemetryMessage(device.DeviceId), Some.Patience).AsTask()));
        var receiving = devices.Select(async device =>
        {
            await foreach (var command in device.ReceiveCommandsAsync(Some.Patience))
            {
                await command.CompleteAsync(Some.Patience);
                return command.MessageId;
            }
            return null;
        }).ToList();
        foreach (var device in devices)
        {
            await service.SendAsync(
                device.DeviceId, new CommandMessage("x") { MessageId = device.DeviceId }, Some.Patience);
        }

        Assert.Equal(devices.Select(device => device.DeviceId), await Task.WhenAll(receiving));
        await using var reader = EventReader.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        var senders = new HashSet<string>();
        await foreach (var received in reader.ReadAsync(EventPosition.Start, Some.Patience))
        {
            senders.Add(received.DeviceId!);
            if (senders.Count == Count)
                break;
        }
    }

    [Fact]
    public async Task Devices_OverTheFake_UseOneConnectionUpToTheirNumber_AndComeBackTogether()
    {
        var hub = new FakeHub();
        await using var pool = new DevicePool(new()
        {
            DevicesPerConnection = 3,
            Device = new() { Dial = hub.DialAsync, Reconnect = new() { InitialDelay = TimeSpan.FromMilliseconds(1) } },
        });
        var devices = Enumerable.Range(0, 4).Select(i => pool.CreateFromConnectionString(StringOf(i))).ToList();

        foreach (var device in devices)
            await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        Assert.Equal([3, 1], hub.Connections.Select(connection => connection.Messages.Count));
        Assert.Equal([3, 1], hub.Connections.Select(connection => connection.Tokens.Count));

        hub.Connections[0].Cut();
        foreach (var device in devices)
            await device.SendAsync(new TelemetryMessage("y"), Some.Patience);

        Assert.Equal(3, hub.Connections.Count);
        Assert.Equal([3, 2, 3], hub.Connections.Select(connection => connection.Messages.Count));
    }

    [Fact]
    public async Task Device_ThatIsRefusedOrClosed_LeavesTheOthersAlone()
    {
        var hub = new FakeHub
        {
            OnPutToken = (_, token) => token.Contains("d1", StringComparison.Ordinal) ? (401, "No.") : (200, "OK"),
        };
        await using var pool = new DevicePool(new() { Device = new() { Dial = hub.DialAsync } });
        var devices = Enumerable.Range(0, 3).Select(i => pool.CreateFromConnectionString(StringOf(i))).ToList();
        await devices[0].SendAsync(new TelemetryMessage("x"), Some.Patience);

        var refused = await Assert.ThrowsAsync<HubbubException>(
            () => devices[1].SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask());
        await devices[0].SendAsync(new TelemetryMessage("x"), Some.Patience);
        await devices[0].CloseAsync(Some.Patience);
        await devices[2].SendAsync(new TelemetryMessage("x"), Some.Patience);

        Assert.Equal(HubbubCondition.UnauthorizedAccess, refused.Condition);
        Assert.Single(hub.Connections);
    }

    [Fact]
    public async Task Device_OfAnotherHub_OrThatCannotShare_IsRefused()
    {
        await using var pool = new DevicePool();
        await using var first = pool.CreateFromConnectionString(StringOf(0));

        Assert.Throws<FormatException>(
            () => pool.CreateFromConnectionString($"HostName=other.example;DeviceId=d;SharedAccessKey={Some.Key}"));
        await using var plain = new DevicePool(
            new() { Device = new() { Authentication = ClientAuthentication.SaslPlain } });
        Assert.Throws<FormatException>(() => plain.CreateFromConnectionString(StringOf(0)));
    }

    private static string StringOf(int number) => $"HostName=hub.example;DeviceId=d{number};SharedAccessKey={Some.Key}";
}
