using Hubbub.Client;

namespace Hubbub.Samples;

/// <summary>A service learns how its commands ended. All receivers of a hub share the feedback.</summary>
internal static class ReceiveFeedback
{
    public static async Task RunAsync(CancellationToken stop)
    {
        await using var service = ServiceClient.CreateFromConnectionString(
            Settings.Service, new ServiceClientOptions { CaFile = Settings.CaFile });
        await foreach (var feedback in service.ReceiveFeedbackAsync(stop))
        {
            Console.WriteLine($"feedback {feedback.MessageId}: {feedback.Outcome} by {feedback.DeviceId}");
            break;
        }
    }
}
