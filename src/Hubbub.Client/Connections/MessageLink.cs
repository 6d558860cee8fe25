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

    // Under the driver's lock only: what neither side has settled, by delivery-id; as many as the credit.
    private readonly Dictionary<uint, ReceivedMessage> _unsettled = [];
    private bool _isRetiring;

    /// <summary>
    /// False for a link that is not attached anew on another connection: what it leads to would be missed meanwhile.
    /// </summary>
    public bool ComesBack { get; init; } = true;

    /// <summary>The next message whose lock is not over.</summary>
    /// <exception cref="HubbubException">The link is over.</exception>
    public async ValueTask<ReceivedMessage> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var message = await _arrived.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                if (message.LockLost is null)
                    return message;
            }
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
        {
            var message = new ReceivedMessage(this, e.Delivery);
            if (!message.IsSettled)
                _unsettled.Add(message.DeliveryId, message);
            _arrived.Writer.TryWrite(message);
            return;
        }
        if (e.Kind == AmqpEventKind.DeliverySettled && _unsettled.Remove(e.Delivery.Id, out var settled))
            OnSettled(settled, e.State);
        GiveBackWhenDone();
    }

    /// <summary>What is locked is settled here; the next link gets what comes after it.</summary>
    public override void OnRetiring(bool isOverdue)
    {
        if (!ComesBack || _isRetiring || Link is not ReceiverLink { IsAttached: true } link)
            return;
        _isRetiring = true;
        link.Drain();
        GiveBackWhenDone();
    }

    protected override void OnReady() => ((ReceiverLink)Link!).Grant(credit);

    protected override void OnStopped(HubbubException end)
    {
        foreach (var message in _unsettled.Values)
        {
            // What was not read goes to the next receiver. Reading passes over it: the channel has one reader, and that
            // is not this thread.
            message.LockLost ??= LockLost("its link has ended");
            if (message.Confirming is { } confirmed)
                Fail(confirmed, end);
        }
        _arrived.Writer.TryComplete(end);
        _unsettled.Clear();
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
        if (message.LockLost is { } lost)
        {
            Fail(confirmed, lost);
            return;
        }
        link.Settle(message.DeliveryId, message.DeliveryId, outcome);
        if (link.ReceiverSettleMode == ReceiverSettleMode.First)
        {
            _unsettled.Remove(message.DeliveryId);
            confirmed.TrySetResult();
            GiveBackWhenDone();
        }
        else
        {
            message.Confirming = confirmed;
        }
    }

    // AMQP 2.6.12: the answer to our outcome; or a peer that did not wait for one, for the lock is over.
    private void OnSettled(ReceivedMessage message, DeliveryState? state)
    {
        var error = (state as Rejected)?.Error;
        if (message.Confirming is not { } confirmed)
        {
            message.LockLost = error is null
                ? LockLost("the hub has settled it")
                : HubbubException.From(error, Address);
        }
        else if (error is not null)
        {
            Fail(confirmed, HubbubException.From(error, Address));
        }
        else
        {
            confirmed.TrySetResult();
        }
    }

    private void GiveBackWhenDone()
    {
        if (_isRetiring && _unsettled.Count == 0 && !HasEnded && Link is ReceiverLink { IsDraining: false })
            Connection!.GiveBack(this);
    }

    private HubbubException LockLost(string why) => new(HubbubCondition.MessageLockLost, why, Address);

    // Nobody may be waiting for it any more.
    private static void Fail(TaskCompletionSource confirmed, HubbubException failure)
    {
        confirmed.TrySetException(failure);
        _ = confirmed.Task.Exception;
    }
}
