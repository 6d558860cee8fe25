using System.Threading.Channels;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Connections;

/// <summary>
/// A link whose messages are read one by one and settled one by one, each with an outcome of its own. What has come
/// and is not read yet is bounded by the credit.
/// </summary>
internal sealed class MessageLink(string address, uint credit) : ClientLink(address)
{
    private readonly Channel<ReceivedMessage> _arrived = Channel.CreateUnbounded<ReceivedMessage>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    // Under the driver's lock only: whose outcome the peer has yet to confirm (rcv-settle-mode second).
    private readonly Dictionary<uint, TaskCompletionSource> _settling = [];

    /// <summary>The next message.</summary>
    /// <exception cref="HubbubException">The link is over.</exception>
    public async ValueTask<ReceivedMessage> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _arrived.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException e) when (e.InnerException is HubbubException end)
        {
            throw end;
        }
    }

    /// <summary>
    /// Tells a message's outcome; completes when the peer has confirmed it, or at once on a link where the first word
    /// is the last (rcv-settle-mode first).
    /// </summary>
    /// <exception cref="HubbubException">The lock is over, or the link is.</exception>
    public async Task SettleAsync(ReceivedMessage message, DeliveryState outcome, CancellationToken cancellationToken)
    {
        var connection = Connection!;
        var confirmed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.Invoke((this, message, outcome, confirmed), static (_, state) =>
            state.Item1.Settle(state.message, state.outcome, state.confirmed));
        await connection.WaitAsync(confirmed.Task, Address, "settling the message", cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Says that a message which came settled has been dealt with, so that the peer may send more.</summary>
    public void Release(ReceivedMessage message) => Connection!.Invoke((this, message), static (_, state) =>
    {
        if (state.message.IsSettled && state.Item1.Link is ReceiverLink { IsAttached: true } link)
            link.Release(1);
    });

    public override void OnEvent(in AmqpEvent e)
    {
        if (e.Kind == AmqpEventKind.Delivery)
            _arrived.Writer.TryWrite(new ReceivedMessage(this, e.Delivery));
        else if (e.Kind == AmqpEventKind.DeliverySettled && _settling.Remove(e.Delivery.Id, out var confirmed))
            Confirm(confirmed, e.State);
    }

    protected override void OnReady() => ((ReceiverLink)Link!).Grant(credit);

    protected override void OnStopped(HubbubException end)
    {
        // What was not read was not given to anybody, and goes to the next receiver.
        while (_arrived.Reader.TryRead(out _))
        {
        }
        _arrived.Writer.TryComplete(end);
        foreach (var confirmed in _settling.Values)
            Fail(confirmed, end);
        _settling.Clear();
    }

    private void Settle(ReceivedMessage message, DeliveryState outcome, TaskCompletionSource confirmed)
    {
        if (Link is not ReceiverLink { IsAttached: true } link)
        {
            Fail(confirmed, LockLost("its link has ended"));
            return;
        }
        if (message.IsSettled || !message.TryTake())
        {
            Fail(confirmed, LockLost("it has been settled before"));
            return;
        }
        link.Settle(message.DeliveryId, message.DeliveryId, outcome);
        if (link.ReceiverSettleMode == ReceiverSettleMode.First)
            confirmed.TrySetResult();
        else
            _settling.Add(message.DeliveryId, confirmed);
    }

    private void Confirm(TaskCompletionSource confirmed, DeliveryState? state)
    {
        if (state is Rejected { Error: { } error })
            Fail(confirmed, HubbubException.From(error, Address));
        else
            confirmed.TrySetResult();
    }

    private HubbubException LockLost(string why) => new(HubbubCondition.MessageLockLost, why, Address);

    // Nobody may be waiting for it any more.
    private static void Fail(TaskCompletionSource confirmed, HubbubException failure)
    {
        confirmed.TrySetException(failure);
        _ = confirmed.Task.Exception;
    }
}
