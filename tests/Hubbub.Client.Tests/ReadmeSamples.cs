using System.Text;

namespace Hubbub.Client.Tests;

/// <summary>The samples of the package's README, as they stand there; a test compares and runs them.</summary>
internal static class ReadmeSamples
{
    public static async Task SendAsync(string connectionString)
    {
        // sample: send
        await using var device = DeviceClient.CreateFromConnectionString(connectionString);

        await device.SendAsync(new TelemetryMessage("""{"temperature": 21.5}""")
        {
            ContentType = "application/json",
            ContentEncoding = "utf-8",
            Properties = { ["alarm"] = "false" },
        });
        // end
    }

    public static async Task ReceiveAsync(string connectionString, CancellationToken cancellationToken)
    {
        // sample: receive
        await using var device = DeviceClient.CreateFromConnectionString(connectionString);

        await foreach (var command in device.ReceiveCommandsAsync(cancellationToken))
        {
            Console.WriteLine($"{command.MessageId}: {Encoding.UTF8.GetString(command.Body.Span)}");
            await command.CompleteAsync(cancellationToken);
        }
        // end
    }

    public static async Task ServeAsync(string connectionString, CancellationToken cancellationToken)
    {
        // sample: serve
        await using var service = ServiceClient.CreateFromConnectionString(connectionString);
        await using var reader = EventReader.CreateFromConnectionString(connectionString);

        await foreach (var received in reader.ReadAsync(EventPosition.Start, cancellationToken))
        {
            var command = new CommandMessage("cool down") { Acknowledgement = CommandAcknowledgement.Full };
            await service.SendAsync(received.DeviceId!, command, cancellationToken);

            var feedback = await service.WaitForFeedbackAsync(command.MessageId, cancellationToken);
            Console.WriteLine($"{received.DeviceId}: {feedback.Outcome}");
            break;
        }
        // end
    }
}
