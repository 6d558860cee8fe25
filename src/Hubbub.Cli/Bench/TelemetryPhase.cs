using Hubbub.Client;

namespace Hubbub.Cli.Bench;

/// <summary>
/// Every device keeps its window of messages under way; one counts when the hub has it on stable storage.
/// </summary>
internal sealed class TelemetryPhase(BenchFleet fleet, BenchPlan plan, TimeProvider time)
{
    private readonly LatencyHistogram _latency = new();

    /// <summary>How many were accepted so far.</summary>
    public long Count => _latency.Count;

    public async Task<PhaseResult> RunAsync(CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var message = new TelemetryMessage(new byte[plan.BodyBytes]);
        var lanes = fleet.Devices
            .SelectMany(device => Enumerable.Range(0, plan.Window).Select(_ => SendAsync(device, message, end.Token)))
            .ToArray();
        await PauseAsync(BenchPlan.WarmUp, end.Token);
        _latency.Clear();
        var started = time.GetTimestamp();
        await PauseAsync(plan.Duration, end.Token);
        var (count, took) = (_latency.Count, time.GetElapsedTime(started));
        await end.CancelAsync();
        await Task.WhenAll(lanes);
        cancellationToken.ThrowIfCancellationRequested();
        return new PhaseResult("telemetry", "events accepted", count, took, _latency);
    }

    private async Task SendAsync(DeviceClient device, TelemetryMessage message, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            var started = time.GetTimestamp();
            await device.SendAsync(message, CancellationToken.None);
            _latency.Add(time.GetElapsedTime(started));
        }
    }

    private Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken) =>
        Task.Delay(pause, time, cancellationToken);
}
