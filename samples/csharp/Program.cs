using Hubbub.Samples;

// Ctrl+C ends a sample as it ends a service: what is under way is given up, connections are closed.
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

var sample = args is [var name] ? name : "";
switch (sample)
{
    case "send-telemetry":
        await SendTelemetry.RunAsync(stop.Token);
        return 0;
    case "read-events":
        await ReadEvents.RunAsync(stop.Token);
        return 0;
    case "send-command":
        await SendCommand.RunAsync(stop.Token);
        return 0;
    case "receive-commands":
        await ReceiveCommands.RunAsync(stop.Token);
        return 0;
    case "receive-feedback":
        await ReceiveFeedback.RunAsync(stop.Token);
        return 0;
    default:
        Console.Error.WriteLine("usage: send-telemetry | read-events | send-command | receive-commands | receive-feedback");
        return 2;
}
