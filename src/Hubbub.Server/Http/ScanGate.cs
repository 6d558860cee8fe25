namespace Hubbub.Server.Http;

/// <summary>
/// Lets so many scans of the whole registry run at a time; a few more wait in their order, and the rest is refused.
/// Safe for concurrent use.
/// </summary>
#pragma warning disable CA1001 // Nobody asks the semaphore for its wait handle, so there is nothing to dispose of.
internal sealed class ScanGate(int runningMax, int waitingMax)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _free = new(runningMax);
    private int _inside;

    /// <summary>Waits for its turn; whoever got true calls <see cref="Leave"/> once.</summary>
    /// <returns>False at once when too many wait already.</returns>
    public async ValueTask<bool> TryEnterAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _inside) > runningMax + waitingMax)
        {
            Interlocked.Decrement(ref _inside);
            return false;
        }
        try
        {
            await _free.WaitAsync(cancellationToken);
            return true;
        }
        catch
        {
            Interlocked.Decrement(ref _inside);
            throw;
        }
    }

    public void Leave()
    {
        _free.Release();
        Interlocked.Decrement(ref _inside);
    }
}
