namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>Waits for conditions that other threads bring about, without sleeping.</summary>
internal sealed class Signal
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Set() =>
        Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    /// <summary>Waits until <paramref name="look"/> finds something.</summary>
    public async Task<T> UntilAsync<T>(Func<T?> look, Func<string> describe)
        where T : class
    {
        while (true)
        {
            var changed = Volatile.Read(ref _next).Task;
            if (look() is { } found)
                return found;
            try
            {
                await changed.WaitAsync(Patience, TestContext.Current.CancellationToken);
            }
            catch (TimeoutException)
            {
                throw new TimeoutException($"Waited in vain for {describe()}");
            }
        }
    }
}
