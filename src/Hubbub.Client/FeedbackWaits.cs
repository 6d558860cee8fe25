using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;

namespace Hubbub.Client;

/// <summary>
/// All of a service client's waits for feedback, over one link that is there while anybody waits. Each record goes to
/// those who wait for its command. A message is completed when all its records have been taken; what holds a record
/// for others is held, and given back when the last wait ends.
/// </summary>
/// <param name="openAsync">Opens the link.</param>
internal sealed class FeedbackWaits(Func<CancellationToken, Task<FeedbackReceiver>> openAsync)
{
    private readonly Lock _gate = new();
    private readonly List<Wait> _waits = [];
    private readonly List<FeedbackMessage> _held = [];

    // Records that were taken out of messages which went back, for those come again; the oldest are forgotten.
    private readonly HashSet<CommandFeedback> _taken = [];
    private readonly Queue<CommandFeedback> _takenInOrder = new();
    private Task _running = Task.CompletedTask;
    private CancellationTokenSource? _stop;

    /// <summary>Waits for the feedback on one command.</summary>
    /// <exception cref="HubbubException">The link is over, or too much came that is for others.</exception>
    public async Task<CommandFeedback> WaitAsync(string messageId, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var wait = new Wait(messageId);
        FeedbackMessage[] done;
        lock (_gate)
        {
            _waits.Add(wait);
            // It may have come while others waited.
            done = TakeHeld();
            if (_stop is null)
            {
                _stop = new CancellationTokenSource();
                _running = RunAsync(_running, _stop);
            }
        }
        try
        {
            // Whoever is cancelled has not taken the record: it goes on as if nobody had waited for it.
            await using (cancellationToken.UnsafeRegister(
                static (wait, token) => ((Wait)wait!).TrySetCanceled(token), wait).ConfigureAwait(false))
            {
                await CompleteAsync(done, cancellationToken).ConfigureAwait(false);
                return await wait.Task.ConfigureAwait(false);
            }
        }
        finally
        {
            await LeaveAsync(wait).ConfigureAwait(false);
        }
    }

    /// <summary>The last one to leave waits until the link is gone: then what was held is free for others.</summary>
    private async Task LeaveAsync(Wait wait)
    {
        CancellationTokenSource? stop = null;
        Task running;
        lock (_gate)
        {
            _waits.Remove(wait);
            running = _running;
            // Whoever comes now begins anew, behind this one.
            if (_waits.Count == 0)
                (stop, _stop) = (_stop, null);
        }
        if (stop is null)
            return;
        await stop.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
    }

    private async Task RunAsync(Task before, CancellationTokenSource stop)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await using var receiver = await openAsync(stop.Token).ConfigureAwait(false);
            while (true)
            {
                var message = await receiver.ReceiveAnyAsync(stop.Token).ConfigureAwait(false);
                FeedbackMessage[] done;
                bool isFull;
                lock (_gate)
                {
                    Hold(message);
                    done = TakeHeld();
                    isFull = _held.Count >= ClientLimits.FeedbackHeldMax;
                }
                await CompleteAsync(done, stop.Token).ConfigureAwait(false);
                if (isFull)
                    throw TooManyHeld();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Nobody waits any more.
        }
#pragma warning disable CA1031 // Whatever it is, it is those who wait that it concerns.
        catch (Exception e)
#pragma warning restore CA1031
        {
            lock (_gate)
            {
                // Those who came after the last one had left wait for the next link.
                if (_stop == stop)
                {
                    _stop = null;
                    foreach (var wait in _waits)
                        wait.TrySetException(e);
                }
            }
        }
        lock (_gate)
            _held.Clear();
    }

    private void Hold(FeedbackMessage message)
    {
        _held.RemoveAll(static held => held.IsLockLost);
        _held.Add(message);
    }

    private static HubbubException TooManyHeld() => new(
        ErrorCondition.ResourceLimitExceeded,
        $"{ClientLimits.FeedbackHeldMax} messages came and have records that nobody here waits for",
        LinkAddresses.Feedback);

    /// <summary>Gives the records that are here to those who wait for them.</summary>
    /// <returns>The messages of which nothing is left.</returns>
    private FeedbackMessage[] TakeHeld()
    {
        List<FeedbackMessage>? done = null;
        foreach (var message in _held)
        {
            var isDone = message.Records.Count > 0;
            foreach (var record in message.Records)
                isDone &= Take(record);
            if (isDone)
                (done ??= []).Add(message);
        }
        if (done is null)
            return [];
        _held.RemoveAll(done.Contains);
        return [.. done];
    }

    /// <returns>True when somebody has it, or had it before.</returns>
    private bool Take(CommandFeedback record)
    {
        if (_taken.Contains(record))
            return true;
        var isTaken = false;
        foreach (var wait in _waits)
        {
            if (wait.MessageId == record.MessageId)
                isTaken |= wait.TrySetResult(record);
        }
        if (!isTaken)
            return false;
        _taken.Add(record);
        _takenInOrder.Enqueue(record);
        if (_takenInOrder.Count > ClientLimits.FeedbackRemembered)
            _taken.Remove(_takenInOrder.Dequeue());
        return true;
    }

    // The outcomes are on their way when this begins to wait; a link that is given up then detaches behind them.
    private static Task CompleteAsync(FeedbackMessage[] messages, CancellationToken cancellationToken) =>
        Task.WhenAll(messages.Select(message => CompleteAsync(message, cancellationToken)));

    private static async Task CompleteAsync(FeedbackMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await message.CompleteAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HubbubException or OperationCanceledException)
        {
            // If it comes again, its records are known.
        }
    }

    private sealed class Wait(string messageId)
        : TaskCompletionSource<CommandFeedback>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public string MessageId => messageId;
    }
}
