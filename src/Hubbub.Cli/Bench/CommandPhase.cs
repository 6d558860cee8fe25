using System.Collections.Concurrent;
using Hubbub.Client;

namespace Hubbub.Cli.Bench;

/// <summary>
/// One command under way a device: sent, received, completed, and its feedback back at the service. Each of the three
/// steps is on stable storage before the next begins.
/// </summary>
internal sealed class CommandPhase(HubAddress hub, BenchFleet fleet, BenchPlan plan, TimeProvider time)
{
    private readonly LatencyHistogram _latency = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiting = new();

    public long Count => _latency.Count;

    public async Task<PhaseResult> RunAsync(CancellationToken cancellationToken)
    {
        await using var service = await ServiceClients.ConnectAsync(hub, "no command was sent", cancellationToken);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var answering = fleet.Devices.Select(device => AnswerAsync(device, stop.Token))
            .Append(TakeFeedbackAsync(service, stop.Token)).ToArray();
        var lanes = fleet.Devices.Select(device => SendAsync(service, device.DeviceId, end.Token)).ToArray();
        await Task.WhenAny(Task.Delay(BenchPlan.WarmUp, time, end.Token), Task.WhenAny(answering));
        _latency.Clear();
        var started = time.GetTimestamp();
        // Whoever ends before the time is over has failed, and says why below.
        await Task.WhenAny(Task.Delay(plan.Duration, time, end.Token), Task.WhenAny(answering));
        var (count, took) = (_latency.Count, time.GetElapsedTime(started));
        await end.CancelAsync();
        if (!Array.Exists(answering, static task => task.IsCompleted))
            await Task.WhenAll(lanes);
        await stop.CancelAsync();
        await Task.WhenAll(answering);
        cancellationToken.ThrowIfCancellationRequested();
        return new PhaseResult("commands", "commands sent, received, completed, reported", count, took, _latency);
    }

    private async Task SendAsync(ServiceClient service, string deviceId, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            var command =
                new CommandMessage(new byte[plan.BodyBytes]) { Acknowledgement = CommandAcknowledgement.Full };
            var reported = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting[command.MessageId] = reported;
            var started = time.GetTimestamp();
            await service.SendAsync(deviceId, command, CancellationToken.None);
            await reported.Task;
            _latency.Add(time.GetElapsedTime(started));
        }
    }

    private static async Task AnswerAsync(DeviceClient device, CancellationToken stop)
    {
        try
        {
            await foreach (var command in device.ReceiveCommandsAsync(stop))
                await command.CompleteAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The end of the phase.
        }
    }

    private async Task TakeFeedbackAsync(ServiceClient service, CancellationToken stop)
    {
        try
        {
            await foreach (var feedback in service.ReceiveFeedbackAsync(stop))
            {
                if (_waiting.TryRemove(feedback.MessageId, out var reported))
                    reported.SetResult();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The end of the phase.
        }
    }
}
