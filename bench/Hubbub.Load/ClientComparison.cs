using System.Diagnostics;
using System.Globalization;

namespace Hubbub.Load;

/// <summary>
/// Sends a second of Hubbub.Client beside those of AMQPNetLite's client, to the same hub, over TLS, each in a process
/// of its own.
/// </summary>
internal static class ClientComparison
{
    private static readonly int[] ConnectionCounts = [1, 10];

    public static async Task<int> RunAsync(CompareOptions options)
    {
        Directory.CreateDirectory(options.Data);
        using (var first = await HubUnderTest.StartAsync(options))
            await first.CreateDevicesAsync(ConnectionCounts.Max());
        using var hub = await HubUnderTest.StartAsync(options);
        Console.WriteLine("| sends a second (CPU of the client each) | AMQPNetLite | Hubbub.Client | ratio | goal | |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var connections in ConnectionCounts)
        {
            var theirs = await MedianAsync("netlite", connections, options.Messages / 4, options.Rounds, hub);
            var ours = await MedianAsync("hubbub", connections, options.Messages, options.Rounds, hub);
            var ratio = ours.Rate / theirs.Rate;
            Console.WriteLine(
                $"| {connections} connection(s) | {theirs.Rate:N0}/s ({theirs.CpuUs:F1} us) | {ours.Rate:N0}/s ({ours.CpuUs:F1} us) "
                + $"| {ratio:F1}x ({theirs.CpuUs / ours.CpuUs:F1}x) | >= 5x | {(ratio >= 5 ? "reached" : "NOT reached")} |");
        }
        return 0;
    }

    private static async Task<(double Rate, double CpuUs)> MedianAsync(string client, int connections, int messages, int rounds, HubUnderTest hub)
    {
        var rates = new List<(double Rate, double CpuUs)>();
        for (var i = 0; i < rounds; i++)
            rates.Add(await RunAsync(client, connections, messages, hub));
        return rates.Order().ElementAt(rounds / 2);
    }

    private static async Task<(double Rate, double CpuUs)> RunAsync(string client, int connections, int messages, HubUnderTest hub)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])["client", client, $"{connections}", $"{messages}", $"{hub.AmqpsPort}", hub.CaCertificate])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteLineAsync(hub.PolicyKey("device"));
        var line = await process.StandardOutput.ReadLineAsync();
        await process.WaitForExitAsync();
        if (line?.Split(' ') is not [var rate, var cpuUs] || process.ExitCode != 0)
            throw new InvalidOperationException($"The client {client} failed.");
        return (double.Parse(rate, CultureInfo.InvariantCulture), double.Parse(cpuUs, CultureInfo.InvariantCulture));
    }
}
