namespace Hubbub.Client.Connections;

/// <summary>Waits for what the peer has to do, but not longer than the options allow.</summary>
internal static class Timely
{
    /// <exception cref="HubbubException">It took too long.</exception>
    public static async Task<T> AsTask<T>(
        Task<T> task, ClientOptions options, string address, string what, CancellationToken cancellationToken)
    {
        try
        {
            return await task.WaitAsync(options.OperationTimeout, options.TimeProvider, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw TooLong(options, address, what, e);
        }
    }

    /// <exception cref="HubbubException">It took too long.</exception>
    public static async Task AsTask(
        Task task, ClientOptions options, string address, string what, CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(options.OperationTimeout, options.TimeProvider, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw TooLong(options, address, what, e);
        }
    }

    private static HubbubException TooLong(ClientOptions options, string address, string what, TimeoutException e)
    {
        var why = $"{what} took longer than {options.OperationTimeout.TotalSeconds} s";
        return new HubbubException(HubbubCondition.Timeout, why, address, null, e);
    }
}
