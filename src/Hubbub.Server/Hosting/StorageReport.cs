using Hubbub.Storage.Events;
using Hubbub.Storage.State;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Hosting;

/// <summary>Tells a person what the storage met, and ends the process where going on could break a promise.</summary>
internal sealed class StorageReport(ILogger logger) : IEventLogObserver
{
    /// <summary>The exit code after a failed write or sync; started again, the hub recovers.</summary>
    private const int FatalExitCode = 70;

    public void OnFatal(string reason, Exception cause)
    {
        logger.EventLogFailed(reason, cause);
        // Nothing may be acknowledged after a failed sync, not even by code that does not know of it.
        Environment.Exit(FatalExitCode);
    }

    /// <summary>Ends the process when the database fails: what is in memory may no longer be what is stored.</summary>
    public void Watch(StateStore state) => state.Ended.ContinueWith(
        ended =>
        {
            logger.StateFailed(ended.Exception!.InnerException!);
            Environment.Exit(FatalExitCode);
        },
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);

    public void OnDamaged(EventLogDamage damage) =>
        logger.EventLogDamaged(
            damage.Partition,
            damage.File,
            damage.Position,
            damage.ResumePosition,
            damage.ExpectedChecksum,
            damage.ActualChecksum);

    public void OnTailCut(int partition, string file, long position, long bytes) =>
        logger.EventLogTailCut(partition, file, position, bytes);

    public void OnStorageFull(int partition, bool isFull)
    {
        if (isFull)
            logger.EventLogFull(partition);
        else
            logger.EventLogHasRoom(partition);
    }

    public void OnRetentionPaused(TimeSpan jump) => logger.EventLogRetentionPaused((long)jump.TotalSeconds);

    public void OnUpkeepFailed(int partition, Exception cause) => logger.EventLogUpkeepFailed(partition, cause);

    public void OnCallbackFailed(int partition, Exception cause) => logger.EventLogCallbackFailed(partition, cause);
}
