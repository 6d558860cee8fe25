using Hubbub.Client;

namespace Hubbub.Samples;

/// <summary>A service sends a command to a device and asks to be told how it ended.</summary>
internal static class SendCommand
{
    public static async Task RunAsync(CancellationToken stop)
    {
        await using var service = ServiceClient.CreateFromConnectionString(
            Settings.Service, new ServiceClientOptions { CaFile = Settings.CaFile });
        var command = new CommandMessage("restart")
        {
            Acknowledgement = CommandAcknowledgement.Full,
            ExpiresAt = DateTimeOffset.UtcNow.AddMinutes(10),
        };
        command.Properties["delay"] = "5s";
        await service.SendAsync(Settings.DeviceId, command, stop);
        Console.WriteLine($"sent {command.MessageId}");
    }
}
