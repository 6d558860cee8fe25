namespace Hubbub.Storage.State;

/// <summary>The bounds of the state store, each with its reason.</summary>
internal static class StateLimits
{
    /// <summary>Operations that wait for the writer. At ten thousand a second it is one second's worth.</summary>
    public const int QueueMax = 10_000;

    /// <summary>Operations in one transaction: enough to hide the sync, few enough to keep the wait short.</summary>
    public const int GroupMax = 1_000;

    /// <summary>
    /// Pages of the write-ahead log at which it is brought into the database, 16 MiB. A start after a crash reads them
    /// in tens of milliseconds; with SQLite's own 1,000 one command in a hundred waited for it.
    /// </summary>
    public const int LogPagesMax = 4_096;

    /// <summary>Pages that are worth being brought into the database when nobody waits.</summary>
    public const int LogPagesIdleMin = 256;

    /// <summary>How long nothing was stored when nobody waits, ms.</summary>
    public const int IdleMs = 1_000;
}
