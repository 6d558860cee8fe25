using Hubbub.Client;

namespace Hubbub.Samples;

/// <summary>A device sends telemetry. Each send completes when the hub has the message on stable storage.</summary>
internal static class SendTelemetry
{
    public static async Task RunAsync(CancellationToken stop)
    {
        await using var device = DeviceClient.CreateFromConnectionString(
            Settings.Device, new DeviceClientOptions { CaFile = Settings.CaFile });
        for (var i = 1; i <= 3; i++)
        {
            var message = new TelemetryMessage($$"""{"temperature": {{20 + i}}}""")
            {
                MessageId = Guid.NewGuid().ToString(),
                ContentType = "application/json",
                ContentEncoding = "utf-8",
            };
            message.Properties["alert"] = i > 2 ? "true" : "false";
            await device.SendAsync(message, stop);
            Console.WriteLine($"sent {message.MessageId}");
        }
    }
}
