using Hubbub.Core.Events;

namespace Hubbub.Load;

/// <summary>
/// Sends a second of Hubbub.Client beside those of AMQPNetLite's client, and what its reader takes beside what the
/// referee takes: of the same hub, over TLS, each in a process of its own, the two in turns.
/// </summary>
internal static class ClientComparison
{
    private static readonly int[] ConnectionCounts = [1, 10];
    private const int PartitionCount = 4;

    public static async Task<int> RunAsync(CompareOptions options)
    {
        Directory.CreateDirectory(options.Data);
        using (var first = await HubUnderTest.StartAsync(options))
            await first.CreateDevicesAsync(ConnectionCounts.Max());
        using var hub = await HubUnderTest.StartAsync(options);
        ResultTable.Begin("messages a second (CPU of client + hub for each)", "yardstick", "Hubbub.Client", "ratio", "goal");
        foreach (var connections in ConnectionCounts)
            await SendAsync(options, hub, connections);
        await ReadAsync(options, hub);
        return 0;
    }

    private static async Task SendAsync(CompareOptions options, HubUnderTest hub, int connections)
    {
        var (theirs, ours) = await InTurnsAsync(
            options.Rounds,
            () => ClientProcess.RunAsync("netlite", connections, options.Messages / 4, "device", hub),
            () => ClientProcess.RunAsync("hubbub", connections, options.Messages, "device", hub));
        var ratio = ours.Rate / theirs.Rate;
        ResultTable.Row($"sends, {connections} connection(s)", $"AMQPNetLite: {theirs}", $"{ours}",
            $"{ratio:F1}x ({theirs.ClientCpuUs / ours.ClientCpuUs:F1}x)", ">= 5x", ratio >= 5);
    }

    private static async Task ReadAsync(CompareOptions options, HubUnderTest hub)
    {
        // load0 sends in every run, so its partition holds enough.
        var partition = PartitionHash.PartitionOf("load0", PartitionCount);
        var ingest = await Referee.MedianAsync(
            options, "send", "localhost", hub.AmqpsPort.ToString(), "/devices/load%d/messages/events", "-c", "1",
            "-n", options.Messages.ToString(), "--tls", "-u", "load%d@sas.localhost", "-p", hub.Token("device"));
        var (raw, one) = await InTurnsAsync(
            options.Rounds,
            () => RawAsync(options, hub, partition),
            () => ClientProcess.RunAsync($"reader:{partition}", 1, options.Messages, "service", hub));
        var all = new List<ClientResult>();
        for (var i = 0; i < options.Rounds; i++)
            all.Add(await ClientProcess.RunAsync("reader", 1, options.Messages, "service", hub));
        Row("one partition", one);
        Row("all partitions", ClientResult.MedianOf(all));

        void Row(string what, ClientResult read) => ResultTable.Row(
            $"EventReader, one consumer, from the start, {what}",
            $"ingest by one: {ingest.Rate:N0}/s; raw receiver: {raw}", $"{read}", $"{read.Rate / raw.Rate:F2}x",
            ">= ingest by one, >= 500,000/s", read.Rate >= ingest.Rate && read.Rate >= 500_000);
    }

    private static async Task<ClientResult> RawAsync(CompareOptions options, HubUnderTest hub, int partition)
    {
        var (hubBefore, childrenBefore) = (hub.ProcessorTime, ChildProcesses.ProcessorTime);
        var read = await Referee.RunAsync(
            options, "recv", "localhost", hub.AmqpsPort.ToString(), $"{hub.Entity}/ConsumerGroups/$Default/Partitions/{partition}",
            "-c", "1", "-n", options.Messages.ToString(), "-k", "5000", "--tls",
            "-u", "service@sas.root.localhost", "-p", hub.Token("service"));
        return new ClientResult(
            read.Rate,
            (ChildProcesses.ProcessorTime - childrenBefore).TotalMicroseconds / options.Messages,
            (hub.ProcessorTime - hubBefore).TotalMicroseconds / options.Messages);
    }

    /// <summary>One after the other, several times: what else the machine does meets both.</summary>
    private static async Task<(ClientResult First, ClientResult Second)> InTurnsAsync(
        int rounds, Func<Task<ClientResult>> first, Func<Task<ClientResult>> second)
    {
        List<ClientResult> firsts = [], seconds = [];
        for (var i = 0; i < rounds; i++)
        {
            firsts.Add(await first());
            seconds.Add(await second());
        }
        return (ClientResult.MedianOf(firsts), ClientResult.MedianOf(seconds));
    }
}
