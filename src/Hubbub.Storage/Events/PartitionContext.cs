using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>What every part of a partition needs to know about where it stands.</summary>
internal sealed record PartitionContext
{
    public required int Partition { get; init; }
    public required string Directory { get; init; }
    public required StreamIdentity Stream { get; init; }
    public required IFileSystem Files { get; init; }
    public required EventLogOptions Options { get; init; }
    public required TimeProvider Time { get; init; }
    public required IEventLogObserver Observer { get; init; }
    public required LogFailure Failure { get; init; }
    public required uint ChecksumSeed { get; init; }

    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();

    public string PathOf(string name) => Path.Combine(Directory, name);
}

/// <summary>Set once, for all partitions, by the first write or sync that fails.</summary>
internal sealed class LogFailure(IEventLogObserver observer)
{
    private int _failed;

    public bool IsFailed => Volatile.Read(ref _failed) != 0;

    /// <summary>Stops every partition; set once all are there.</summary>
    public Action? Stop { get; set; }

    public void Fail(string reason, Exception cause)
    {
        if (Interlocked.Exchange(ref _failed, 1) != 0)
            return;
        Stop?.Invoke();
        observer.OnFatal(reason, cause);
    }
}
