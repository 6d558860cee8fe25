using System.Diagnostics;

namespace Hubbub.Load.Commands;

/// <summary>
/// Measures commands, TLS on and every step durable, and prints a table: one at a time, many at a time, and a start
/// with a backlog.
/// </summary>
internal static class CommandBench
{
    private const int LatencyRounds = 3_000;
    private const int WarmUpRounds = 1_500;

    /// <summary>The command is stored; its outcome is stored, with its feedback record.</summary>
    private const int DurableSteps = 2;

    private const int RateDevices = 200;
    private const int InFlightPerDevice = 8;
    private const int RateGoal = 5_000;
    private const int BacklogDevices = 10_000;
    private const int BacklogPerDevice = 10;
    private const int StartRounds = 3;

    public static async Task<int> RunAsync(CommandBenchOptions options)
    {
        Directory.CreateDirectory(options.Data);
        ResultTable.Begin("measured", "yardstick", "hub", "ratio", "goal");
        var data = Path.Combine(options.Data, "hub");
        if (options.Wants("latency") || options.Wants("rate"))
        {
            using var hub = await HubUnderTest.StartAsync(options.Hub, data);
            await Registration.RunAsync(hub, RateDevices);
            if (options.Wants("latency"))
                await LatencyAsync(options, hub);
            if (options.Wants("rate"))
                await RateAsync(options, hub);
        }
        if (options.Wants("backlog"))
            await BacklogAsync(options, Path.Combine(options.Data, "backlog"));
        return 0;
    }

    private static async Task LatencyAsync(CommandBenchOptions options, HubUnderTest hub)
    {
        await using var devices = await DeviceSide.OpenAsync(hub, 1);
        await using var service = await ServiceSide.OpenAsync(hub);
        await RoundsAsync(devices, service, WarmUpRounds);
        var before = DiskProbe.Measure(options.Data);
        var (there, whole) = await RoundsAsync(devices, service, LatencyRounds);
        var after = DiskProbe.Measure(options.Data);
        var diskP99 = Math.Max(before.P99Us, after.P99Us) * DurableSteps;
        var p99 = Percentile(whole, 99);
        ResultTable.Row($"one command at a time, whole round trip, p50 / p99",
            $"disk alone, {DurableSteps} syncs: {after.P50Us * DurableSteps:F0} / {diskP99:F0} us",
            $"{Percentile(whole, 50):F0} / {p99:F0} us", $"{p99 / diskP99:F1}x", "p99 <= 5x the disk's", p99 <= 5 * diskP99);
        ResultTable.Row("of that until the device has it", "", $"{Percentile(there, 50):F0} / {Percentile(there, 99):F0} us", "", "", null);
    }

    /// <summary>Microseconds until the device had the command, and until the service had its feedback.</summary>
    private static async Task<(double[] There, double[] Whole)> RoundsAsync(DeviceSide devices, ServiceSide service, int rounds)
    {
        var (there, whole) = (new double[rounds], new double[rounds]);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var round = 0;
        var started = 0L;
        service.OnFeedback = _ =>
        {
            there[round] = Stopwatch.GetElapsedTime(started, Volatile.Read(ref devices.LastReceived)).TotalMicroseconds;
            whole[round] = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            if (++round == rounds)
            {
                done.TrySetResult();
                return;
            }
            started = Stopwatch.GetTimestamp();
            service.Send(0);
        };
        service.Invoke(() =>
        {
            started = Stopwatch.GetTimestamp();
            service.Send(0);
        });
        await done.Task.WaitAsync(TimeSpan.FromMinutes(2));
        return (there, whole);
    }

    private static async Task RateAsync(CommandBenchOptions options, HubUnderTest hub)
    {
        await using var devices = await DeviceSide.OpenAsync(hub, RateDevices);
        await using var service = await ServiceSide.OpenAsync(hub);
        var finished = 0L;
        service.OnFeedback = device =>
        {
            finished++;
            service.Send(device);
        };
        service.Invoke(() =>
        {
            for (var i = 0; i < RateDevices * InFlightPerDevice; i++)
                service.Send(i % RateDevices);
        });
        await Task.Delay(TimeSpan.FromSeconds(3));
        var (first, watch, processor) = (Interlocked.Read(ref finished), Stopwatch.StartNew(), hub.ProcessorTime);
        await Task.Delay(TimeSpan.FromSeconds(options.Seconds));
        var rate = (Interlocked.Read(ref finished) - first) / watch.Elapsed.TotalSeconds;
        var cores = (hub.ProcessorTime - processor) / watch.Elapsed;
        service.Invoke(() => service.OnFeedback = null);
        ResultTable.Row($"whole round trips over {RateDevices} devices", "", $"{rate:N0}/s", $"{cores:F2} cores in the hub",
            $">= {RateGoal:N0}/s", rate >= RateGoal);
    }

    private static async Task BacklogAsync(CommandBenchOptions options, string data)
    {
        using (var first = await HubUnderTest.StartAsync(options.Hub, data))
        {
            await Registration.RunAsync(first, BacklogDevices);
            await using var service = await ServiceSide.OpenAsync(first, takesFeedback: false);
            service.Invoke(() =>
            {
                for (var i = 0; i < BacklogDevices * BacklogPerDevice; i++)
                    service.Send(i % BacklogDevices);
            });
            await service.WhenAcceptedAsync(BacklogDevices * BacklogPerDevice).WaitAsync(TimeSpan.FromMinutes(5));
        }
        var starts = new List<(double Ms, long Resident)>();
        for (var round = 0; round < StartRounds; round++)
        {
            using var hub = await HubUnderTest.StartAsync(options.Hub, data);
            await Task.Delay(TimeSpan.FromSeconds(2));
            starts.Add((hub.Started.TotalMilliseconds, hub.ResidentBytes / (1 << 20)));
        }
        var (ms, resident) = starts.Order().ElementAt(StartRounds / 2);
        var what = $"{BacklogDevices * BacklogPerDevice:N0} commands queued for {BacklogDevices:N0} devices";
        ResultTable.Row($"start to the JSON line, {what}", "", $"{ms:F0} ms", "", "<= 2,000 ms", ms <= 2_000);
        ResultTable.Row($"resident memory with them", "", $"{resident} MiB", "", "< 200 MiB", resident < 200);
    }

    private static double Percentile(double[] values, int percent)
    {
        var sorted = values.Order().ToArray();
        return sorted[Math.Min(sorted.Length - 1, sorted.Length * percent / 100)];
    }
}
