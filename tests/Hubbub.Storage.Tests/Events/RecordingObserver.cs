using Hubbub.Storage.Events;

namespace Hubbub.Storage.Tests.Events;

/// <summary>Remembers what the log had to report.</summary>
internal sealed class RecordingObserver : IEventLogObserver
{
    private readonly Lock _lock = new();

    public List<EventLogDamage> Damages { get; } = [];

    public List<string> Fatals { get; } = [];

    public List<bool> FullChanges { get; } = [];

    public List<(string File, long Position)> Cuts { get; } = [];

    public List<TimeSpan> RetentionPauses { get; } = [];

    public List<Exception> Failures { get; } = [];

    public void OnFatal(string reason, Exception cause) => Note(Fatals, $"{reason} ({cause.GetType().Name})");

    public void OnDamaged(EventLogDamage damage) => Note(Damages, damage);

    public void OnTailCut(int partition, string file, long position, long bytes) => Note(Cuts, (file, position));

    public void OnStorageFull(int partition, bool isFull) => Note(FullChanges, isFull);

    public void OnRetentionPaused(TimeSpan jump) => Note(RetentionPauses, jump);

    public void OnUpkeepFailed(int partition, Exception cause) => Note(Failures, cause);

    public void OnCallbackFailed(int partition, Exception cause) => Note(Failures, cause);

    private void Note<T>(List<T> list, T value)
    {
        lock (_lock)
            list.Add(value);
    }
}
