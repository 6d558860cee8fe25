using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Hubbub.Core.Events;

namespace Hubbub.Load;

/// <summary>Measures the hub beside the yardstick, in one run on one machine, and prints the table.</summary>
internal static class Comparison
{
    private static readonly int[] ConnectionCounts = [1, 10, 100];
    private const int IdleConnections = 2_000;
    private const int PartitionCount = 4;

    public static async Task<int> RunAsync(CompareOptions options)
    {
        Directory.CreateDirectory(options.Data);
        ResultTable.Begin("measured", "yardstick", "hub", "ratio", "goal");
        var disk = DiskProbe.Measure(options.Data);
        using (var first = await HubUnderTest.StartAsync(options.Hub, Path.Combine(options.Data, "hub")))
            await first.CreateDevicesAsync(ConnectionCounts.Max());
        var hub = await HubUnderTest.StartAsync(options.Hub, Path.Combine(options.Data, "hub"));
        try
        {
            ResultTable.Row("start to the JSON line, existing data", "", $"{hub.Started.TotalMilliseconds:F0} ms", "", "<= 1,000 ms",
                hub.Started.TotalSeconds <= 1);
            var plain = await IngestAsync(options, hub);
            await TlsAsync(options, hub, plain);
            await ReadAsync(options, hub, plain[1]);
            await LatencyAsync(options, hub, disk);
            await IdleAsync(options, hub);
        }
        finally
        {
            hub.Dispose();
        }
        return 0;
    }

    private static async Task<Dictionary<int, double>> IngestAsync(CompareOptions options, HubUnderTest hub)
    {
        var rates = new Dictionary<int, double>();
        // Both sides warm up before anything counts: the JIT compiles what is hot while it runs.
        await SendAsync(options, hub, hub.AmqpPort, ConnectionCounts.Max());
        using var baseline = new BaselineProcess(FreePort());
        await baseline.ReadyAsync();
        await baseline.SendAsync(options, ConnectionCounts.Max());
        foreach (var connections in ConnectionCounts)
        {
            var theirs = await baseline.SendAsync(options, connections);
            var ours = await SendAsync(options, hub, hub.AmqpPort, connections);
            rates[connections] = ours.Rate;
            var ratio = ours.Rate / theirs.Rate;
            ResultTable.Row($"ingest, {connections} connection(s), plain, synced", $"{theirs.Rate:N0}/s", $"{ours.Rate:N0}/s",
                $"{ratio:F1}x", ">= 4x AMQPNetLite (stores nothing)", ratio >= 4);
        }
        return rates;
    }

    private static async Task TlsAsync(CompareOptions options, HubUnderTest hub, Dictionary<int, double> plain)
    {
        await SendAsync(options, hub, hub.AmqpsPort, 10, "--tls");
        foreach (var connections in ConnectionCounts)
        {
            var tls = await SendAsync(options, hub, hub.AmqpsPort, connections, "--tls");
            var share = tls.Rate / plain[connections];
            ResultTable.Row($"ingest, {connections} connection(s), TLS, synced", $"{plain[connections]:N0}/s plain", $"{tls.Rate:N0}/s",
                $"{share:P0}", ">= 40 % of plain", share >= 0.4);
        }
    }

    private static async Task ReadAsync(CompareOptions options, HubUnderTest hub, double oneConnection)
    {
        // load0 sends in every throughput run, so its partition holds enough for a long read.
        var partition = PartitionHash.PartitionOf("load0", PartitionCount);
        var read = await Referee.MedianAsync(
            options, "recv", "localhost", hub.AmqpPort.ToString(), $"{hub.Entity}/ConsumerGroups/$Default/Partitions/{partition}",
            "-c", "1", "-n", options.Messages.ToString(), "-k", "5000",
            "-u", "service@sas.root.localhost", "-p", hub.Token("service"));
        ResultTable.Row("read from the start, one receiver", $"{oneConnection:N0}/s ingest by one", $"{read.Rate:N0}/s",
            $"{read.Rate / oneConnection:F1}x", ">= ingest, >= 500,000/s", read.Rate >= oneConnection && read.Rate >= 500_000);
    }

    private static async Task LatencyAsync(CompareOptions options, HubUnderTest hub, (double P50Us, double P99Us) before)
    {
        var one = await Referee.RunAsync(
            options, "send", "localhost", hub.AmqpPort.ToString(), "/devices/load0/messages/events",
            "-c", "1", "-n", "5000", "-w", "1", "-u", "load0@sas.localhost", "-p", hub.Token("device"));
        var after = DiskProbe.Measure(options.Data);
        var p99 = Math.Max(before.P99Us, after.P99Us);
        ResultTable.Row("one event at a time, p50 / p99", $"disk alone: {after.P50Us:F0} / {p99:F0} us", $"{one.P50Us:F0} / {one.P99Us:F0} us",
            $"{one.P99Us / p99:F1}x", "p99 <= 3x the disk's", one.P99Us <= 3 * p99);
    }

    private static async Task IdleAsync(CompareOptions options, HubUnderTest hub)
    {
        var before = hub.ResidentBytes;
        var holding = Referee.RunAsync(
            options, "send", "localhost", hub.AmqpPort.ToString(), "/devices/load0/messages/events",
            "-c", IdleConnections.ToString(), "-n", IdleConnections.ToString(), "--hold", "5",
            "-u", "load0@sas.localhost", "-p", hub.Token("device"));
        var peak = before;
        while (!holding.IsCompleted)
        {
            peak = Math.Max(peak, hub.ResidentBytes);
            await Task.WhenAny(holding, Task.Delay(200));
        }
        await holding;
        ResultTable.Row($"resident memory, {IdleConnections:N0} idle connections, plain", "", $"{(peak - before) / 1024.0 / IdleConnections:F1} KiB each",
            "", "(sockets and pipes included)", null);
    }

    private static Task<RefereeResult> SendAsync(
        CompareOptions options, HubUnderTest hub, int port, int connections, params string[] more) =>
        Referee.MedianAsync(options,
            ["send", "localhost", port.ToString(), "/devices/load%d/messages/events", "-c", connections.ToString(),
            "-n", options.Messages.ToString(), "-u", "load%d@sas.localhost", "-p", hub.Token("device"), .. more]);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The yardstick in a process of its own, as the hub is.</summary>
    private sealed class BaselineProcess : IDisposable
    {
        private readonly int _port;
        private readonly Process _process;

        public BaselineProcess(int port)
        {
            _port = port;
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
            start.ArgumentList.Add("baseline");
            start.ArgumentList.Add(port.ToString());
            _process = Process.Start(start)!;
        }

        public async Task ReadyAsync() => await _process.StandardOutput.ReadLineAsync();

        public Task<RefereeResult> SendAsync(CompareOptions options, int connections) =>
            Referee.MedianAsync(options,
                "send", "localhost", _port.ToString(), "bench", "-c", connections.ToString(), "-n", (options.Messages / 2).ToString(),
                "-u", Baseline.User, "-p", Baseline.User);

        public void Dispose()
        {
            _process.StandardInput.WriteLine();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
