using System.Text;
using Hubbub.Client;

namespace Hubbub.Samples;

/// <summary>A device receives a command and completes it. It may reject or abandon it instead.</summary>
internal static class ReceiveCommands
{
    public static async Task RunAsync(CancellationToken stop)
    {
        await using var device = DeviceClient.CreateFromConnectionString(
            Settings.Device, new DeviceClientOptions { CaFile = Settings.CaFile });
        await foreach (var command in device.ReceiveCommandsAsync(stop))
        {
            Console.WriteLine($"command {command.MessageId}: {Encoding.UTF8.GetString(command.Body.Span)}");
            await command.CompleteAsync(stop);
            break;
        }
    }
}
