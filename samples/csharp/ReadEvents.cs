using System.Text;
using Hubbub.Client;

namespace Hubbub.Samples;

/// <summary>A service reads what devices sent, from all partitions, beginning with the oldest event that is kept.</summary>
internal static class ReadEvents
{
    public static async Task RunAsync(CancellationToken stop)
    {
        // The hub's own connection string will do as well: the reader follows the hub's redirect.
        await using var reader = EventReader.CreateFromConnectionString(
            Settings.EventHub, new EventReaderOptions { CaFile = Settings.CaFile });
        var left = 3;
        await foreach (var received in reader.ReadAsync(EventPosition.Start, stop))
        {
            Console.WriteLine(
                $"event {received.PartitionId}/{received.SequenceNumber} of {received.DeviceId}: "
                + Encoding.UTF8.GetString(received.Body.Span));
            if (--left == 0)
                break;
        }
    }
}
