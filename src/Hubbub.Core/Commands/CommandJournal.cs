using System.Collections.Concurrent;

namespace Hubbub.Core.Commands;

/// <summary>
/// The store as the queues use it: a failure of it is a refusal like any other, and work nobody waits for has an owner.
/// </summary>
/// <param name="store">Where commands are kept.</param>
/// <param name="onUnreadable">Told when commands cannot be read; from any thread.</param>
internal sealed class CommandJournal(ICommandStore store, Action<HubError> onUnreadable) : IAsyncDisposable
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

    /// <summary>
    /// Reads the payloads of commands that are not in memory; the owner of the hub hears of a failure.
    /// </summary>
    /// <param name="target">Whose commands.</param>
    /// <param name="sequenceNumbers">Which; at least one.</param>
    /// <returns>Payloads in the order of the numbers, or ServiceUnavailable when the store cannot be read.</returns>
    public async ValueTask<HubResult<byte[]?[]>> ReadPayloadsAsync(
        CommandTarget target, IReadOnlyList<long> sequenceNumbers)
    {
        try
        {
            var payloads = await store.ReadPayloadsAsync(sequenceNumbers, CancellationToken.None).ConfigureAwait(false);
            return payloads.ToArray();
        }
        catch (IOException e)
        {
            var error = new HubError(
                HubErrorCode.ServiceUnavailable,
                $"{sequenceNumbers.Count} commands of {target}, "
                + $"from sequence number {sequenceNumbers[0]} on, cannot be "
                + $"read: {e.Message} They stay in the queue; receive again later.");
            onUnreadable(error);
            return error;
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
