using Hubbub.Storage.Events;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Hosting;

/// <summary>Tells a person what the event log met, and ends the process where going on could lose events.</summary>
internal sealed class EventLogReport(ILogger logger) : IEventLogObserver
{
    /// <summary>The process's exit code after a failed write or sync; a supervisor starts it again, and it recovers.</summary>
    private const int FatalExitCode = 70;

    public void OnFatal(string reason, Exception cause)
    {
        logger.EventLogFailed(reason, cause);
        // Nothing may be acknowledged after a failed sync, not even by code that does not know of it.
        Environment.Exit(FatalExitCode);
    }

    public void OnDamaged(EventLogDamage damage) =>
        logger.EventLogDamaged(
            damage.Partition, damage.File, damage.Position, damage.ResumePosition, damage.ExpectedChecksum, damage.ActualChecksum);

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
