using System.Collections.Concurrent;

namespace Hubbub.Core.Commands;

/// <summary>
/// The store as the queues use it: a failure of it is a refusal like any other, and work nobody waits for has an owner.
/// </summary>
internal sealed class CommandJournal(ICommandStore store) : IAsyncDisposable
{
    // Bounded by what the store takes: a write that it refuses ends at once.
    private readonly ConcurrentDictionary<Task, bool> _running = new();

    // Neither can be cancelled: what was begun about a command must be brought to its end, whoever began it.
    public async ValueTask<HubError?> WriteAsync(IReadOnlyList<CommandWrite> writes)
    {
        try
        {
            return await store.WriteAsync(writes, CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            return Failed(e);
        }
    }

    /// <summary>Payloads in the order of the numbers; none when the store cannot be read.</summary>
    public async ValueTask<IReadOnlyList<byte[]?>> ReadPayloadsAsync(IReadOnlyList<long> sequenceNumbers)
    {
        try
        {
            return await store.ReadPayloadsAsync(sequenceNumbers, CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException)
        {
            return new byte[]?[sequenceNumbers.Count];
        }
    }

    /// <summary>Writes what nobody waits for. What is not written is found, and written, at the next start.</summary>
    public void WriteLater(IReadOnlyList<CommandWrite> writes)
    {
        if (writes.Count > 0)
            Run(WriteInPartsAsync(writes));
    }

    /// <summary>Keeps a task until it ends; <see cref="DisposeAsync"/> waits for it.</summary>
    public void Run(Task task)
    {
        if (task.IsCompleted)
            return;
        _running[task] = true;
        task.ContinueWith(
            static (done, running) => ((ConcurrentDictionary<Task, bool>)running!).TryRemove(done, out _),
            _running, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(_running.Keys).ConfigureAwait(false);

    private async Task WriteInPartsAsync(IReadOnlyList<CommandWrite> writes)
    {
        foreach (var part in writes.Chunk(CommandLimits.OutcomesPerWriteMax))
        {
            if (await WriteAsync(part).ConfigureAwait(false) is not null)
                return;
        }
    }

    private static HubError Failed(IOException e) =>
        new(HubErrorCode.ServiceUnavailable, $"The state of commands cannot be stored: {e.Message}");
}
