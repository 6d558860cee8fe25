namespace Hubbub.Client.Tests.Faults;

/// <summary>
/// A service sends commands and a device completes them while the connections of both fail: what was accepted comes,
/// and what was completed does not come again.
/// </summary>
internal sealed class CommandRun(int seed) : FaultRun(seed)
{
    public int CompletedCount { get; private set; }

    public async Task RunAsync(RealHub hub, string deviceConnectionString)
    {
        var (up, down) = (new FaultSchedule(Random, 4), new FaultSchedule(Random, 4));
        var why = $"HUBBUB_SEED={Seed} (service: {up.Description}; device: {down.Description})";
        await using var serviceProxy = new FaultProxy(hub.PlainPort, up.Next);
        await using var deviceProxy = new FaultProxy(hub.PlainPort, down.Next);
        var serviceString = hub.ConnectionStringOf("service");
        await using var service = ServiceClient.CreateFromConnectionString(
            serviceString, Through(serviceProxy, new ServiceClientOptions(), serviceString));
        var options = new DeviceClientOptions { CommandPrefetch = Random.Next(1, 6) };
        await using var device = DeviceClient.CreateFromConnectionString(
            deviceConnectionString, Through(deviceProxy, options, deviceConnectionString));

        var accepted = SendAsync(service, device.DeviceId, Random.Next(1, 12));
        await InTimeAsync(why, RunTimeout, async () =>
        {
            await ReceiveAsync(device, accepted, why);
            return true;
        });
    }

    private async Task<HashSet<string>> SendAsync(ServiceClient service, string deviceId, int count)
    {
        var accepted = new HashSet<string>();
        for (var i = 0; i < count; i++)
        {
            var command = new CommandMessage("x") { MessageId = $"{Seed}/{i}" };
            try
            {
                await service.SendAsync(deviceId, command, Some.Patience);
                accepted.Add(command.MessageId);
            }
            catch (HubbubException)
            {
                // It may have arrived or not.
            }
        }
        // The last one gets through, however often it takes, and tells the device that all have come.
        while (true)
        {
            try
            {
                await service.SendAsync(deviceId, new CommandMessage("x") { MessageId = $"{Seed}/end" }, Some.Patience);
                accepted.Add($"{Seed}/end");
                return accepted;
            }
            catch (HubbubException e) when (IsOfFaults(e))
            {
                // Once more.
            }
        }
    }

    private async Task ReceiveAsync(DeviceClient device, Task<HashSet<string>> accepted, string why)
    {
        var completed = new HashSet<long>();
        var done = new HashSet<string>();
        await foreach (var command in ReceiveAsync(device))
        {
            Assert.False(completed.Contains(command.SequenceNumber), $"{command} was completed and came again. {why}");
            try
            {
                await command.CompleteAsync(Some.Patience);
                completed.Add(command.SequenceNumber);
            }
            catch (HubbubException)
            {
                // The hub may know of it or not; if it does, the command does not come again.
            }
            done.Add(command.MessageId!);
            if (done.Contains($"{Seed}/end") && done.IsSupersetOf(await accepted))
                break;
        }
        CompletedCount = completed.Count;
    }

    // A token that ran out before it was shown ends the enumeration; then the caller begins another one.
    private async IAsyncEnumerable<ReceivedCommand> ReceiveAsync(DeviceClient device)
    {
        while (true)
        {
            await using var commands = device.ReceiveCommandsAsync(Some.Patience).GetAsyncEnumerator(Some.Patience);
            while (true)
            {
                try
                {
                    if (!await commands.MoveNextAsync())
                        break;
                }
                catch (HubbubException e) when (IsOfFaults(e))
                {
                    break;
                }
                yield return commands.Current;
            }
        }
    }
}
