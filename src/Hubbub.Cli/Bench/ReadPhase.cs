using Hubbub.Client;

namespace Hubbub.Cli.Bench;

/// <summary>One reader takes everything that the hub holds, from the start of every partition.</summary>
internal sealed class ReadPhase(HubAddress hub, BenchPlan plan, TimeProvider time)
{
    private long _count;

    public long Count => Volatile.Read(ref _count);

    public async Task<PhaseResult> RunAsync(CancellationToken cancellationToken)
    {
        await using var reader = await HubClients.ConnectAsync(hub, async dialHostName =>
        {
            var to = ConnectionString.ForService(hub.HostName, hub.PolicyName, hub.Key, hub.AmqpsPort);
            var opened = EventReader.Create(to, HubClients.Reach(new EventReaderOptions(), hub, dialHostName));
            await opened.GetPropertiesAsync(cancellationToken);
            return opened;
        });
        var left = await CountHeldAsync(reader, cancellationToken);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(plan.Duration);
        var started = time.GetTimestamp();
        try
        {
            await foreach (var _ in reader.ReadAsync(EventPosition.Start, end.Token))
            {
                _count++;
                if (--left <= 0)
                    break;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The time is over before the events are.
        }
        return new PhaseResult("read", "events read by one reader", _count, time.GetElapsedTime(started), null);
    }

    private static async Task<long> CountHeldAsync(EventReader reader, CancellationToken cancellationToken)
    {
        long held = 0;
        foreach (var id in (await reader.GetPropertiesAsync(cancellationToken)).PartitionIds)
        {
            var partition = await reader.GetPartitionPropertiesAsync(id, cancellationToken);
            held += partition.IsEmpty
                ? 0
                : partition.LastEnqueuedSequenceNumber - partition.BeginningSequenceNumber + 1;
        }
        return held;
    }
}
