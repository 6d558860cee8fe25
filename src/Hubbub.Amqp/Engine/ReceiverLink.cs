using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// The receiving end of a link: grants credit, joins transfers to messages, and settles them when the owner says so.
/// </summary>
/// <remarks>
/// Credit is topped up by itself: what the peer may have under way plus what the owner has not settled or released is
/// never more than <see cref="CreditTarget"/>.
/// </remarks>
public sealed class ReceiverLink : AmqpLink
{
    private LinkCredit _credit;
    private TagSet? _tags;
    private ByteBuffer? _partial;
    private Transfer _first;
    private byte[]? _firstTag;
    private int _transfers;
    private int _dropped;
    private uint _outstanding;
    private bool _drain;

    internal ReceiverLink(AmqpSession session, string name)
        : base(session, Role.Receiver, name)
    {
    }

    /// <summary>Most bytes in a message, 0 = no limit; set before the link is attached.</summary>
    public ulong MaxMessageSizeBytes { get; set; }

    /// <summary>Deliveries that the peer may have under way or unsettled.</summary>
    public uint CreditTarget { get; private set; }

    /// <summary>Deliveries received that are neither settled nor released.</summary>
    public uint Outstanding => _outstanding;

    /// <inheritdoc/>
    public override uint Credit => _credit.Available;

    internal override uint DeliveryCount => _credit.DeliveryCount;

    internal override bool DrainFlag => _drain;

    /// <summary>True when our disposition is the last word (rcv-settle-mode first).</summary>
    internal bool SettlesFirst => ReceiverSettleMode == ReceiverSettleMode.First;

    /// <summary>Lets the peer send, and keeps its credit topped up from now on.</summary>
    public void Grant(uint creditTarget)
    {
        CreditTarget = creditTarget;
        SendCredit();
    }

    /// <summary>Asks the peer to send what it has now and to use up the credit.</summary>
    public void Drain()
    {
        _drain = true;
        Session.WriteFlow(this, echo: false);
        _drain = false;
    }

    /// <summary>Tells the outcome of deliveries of this link; ids of other links in between are left alone.</summary>
    public void Settle(uint first, uint last, DeliveryState state)
    {
        if (!IsAttached)
            return;
        Session.Settle(this, first, last, state);
        TopUp();
    }

    /// <summary>Says that <paramref name="count"/> deliveries that came settled have been dealt with.</summary>
    public void Release(uint count)
    {
        _outstanding -= Math.Min(count, _outstanding);
        TopUp();
    }

    internal void Settled(ulong tagKey)
    {
        _outstanding -= Math.Min(1, _outstanding);
        _tags?.Remove(tagKey);
    }

    internal bool OnTransfer(in Transfer transfer, ReadOnlyMemory<byte> payload, ref AmqpEvent e)
    {
        if (!IsAttached)
        {
            OnTransferAfterDetach();
            return false;
        }
        if (_partial is not null)
            return OnContinuation(transfer, payload, ref e);
        CheckFirst(transfer);
        if (!_credit.TryTake())
            throw LinkError(ErrorCondition.TransferLimitExceeded, $"Link '{Name}' has no credit for another delivery.");
        if (transfer.Aborted)
        {
            TopUp();
            return false;
        }
        CheckSize(payload.Length);
        if (transfer.More)
        {
            StartPartial(transfer, payload);
            return false;
        }
        return Deliver(transfer.DeliveryId.GetValueOrDefault(), transfer.DeliveryTag.GetValueOrDefault(), transfer, payload, ref e);
    }

    internal override bool OnFlow(in Flow flow)
    {
        // AMQP 2.6.7: a drained sender tells by its flow how far its delivery-count has come.
        if (flow.DeliveryCount is { } count && IsAttached)
        {
            var ahead = SequenceNumber.Distance(count, _credit.DeliveryCount);
            if (ahead > 0)
            {
                var left = _credit.Available > (uint)ahead ? _credit.Available - (uint)ahead : 0;
                _credit = new LinkCredit(count);
                _credit.Grant(left);
                return true;
            }
        }
        return false;
    }

    private protected override void OnAttached(Attach remote) => _credit = new LinkCredit(remote.InitialDeliveryCount ?? 0);

    private protected override void OnStopped()
    {
        _partial?.Dispose();
        _partial = null;
        _tags = null;
    }

    private bool Deliver(
        uint id, ReadOnlyMemory<byte> tag, in Transfer first, ReadOnlyMemory<byte> payload, ref AmqpEvent e)
    {
        var settled = first.Settled ?? false;
        if (!settled)
        {
            var key = TagSet.KeyOf(tag.Span);
            if (!(_tags ??= new TagSet()).Add(key))
                throw LinkError(ErrorCondition.InvalidField, "The delivery-tag is in use by an unsettled delivery (AMQP 2.6.12).");
            if (!Session.IncomingUnsettled.TryAdd(id, this, null, key))
            {
                throw LinkError(
                    ErrorCondition.InvalidField,
                    $"delivery-id {id} does not follow the ones before it, or too many deliveries are unsettled.");
            }
        }
        _outstanding++;
        e.Kind = AmqpEventKind.Delivery;
        e.Session = Session;
        e.Link = this;
        e.Delivery = new IncomingDelivery
        {
            Id = id,
            MessageFormat = first.MessageFormat ?? 0,
            Settled = settled,
            Tag = tag,
            Payload = payload,
        };
        return true;
    }

    private bool OnContinuation(in Transfer transfer, ReadOnlyMemory<byte> payload, ref AmqpEvent e)
    {
        var partial = _partial!;
        if (transfer.Resume)
            throw LinkError(ErrorCondition.IllegalState, "Deliveries cannot be resumed here.");
        if (transfer.DeliveryId is { } id && id != _first.DeliveryId)
            throw LinkError(ErrorCondition.InvalidField, $"Transfer of delivery {id} came inside delivery {_first.DeliveryId}.");
        if (transfer.DeliveryTag is { } tag && !tag.Span.SequenceEqual(_firstTag))
            throw LinkError(ErrorCondition.InvalidField, "The delivery-tag changed within a delivery (AMQP 2.7.5).");
        if (_first.Settled == true && transfer.Settled == false)
            throw LinkError(ErrorCondition.InvalidField, "A settled delivery became unsettled (AMQP 2.7.5).");
        if (transfer.Aborted)
        {
            DropPartial();
            TopUp();
            return false;
        }
        if (++_transfers > Session.Connection.Limits.TransfersPerDeliveryMax)
            throw LinkError(ErrorCondition.TransferLimitExceeded, "A delivery has too many transfers.");
        CheckSize(partial.Length + payload.Length);
        Append(partial, payload);
        if (transfer.Settled == true)
            _first = _first with { Settled = true };
        if (transfer.More)
            return false;
        // The joined message lives until the next event; the buffer goes back when the next delivery starts.
        var message = partial.WrittenMemory;
        _finished?.Dispose();
        _finished = partial;
        _partial = null;
        return Deliver(_first.DeliveryId.GetValueOrDefault(), _firstTag, _first, message, ref e);
    }

    private ByteBuffer? _finished;

    private void StartPartial(in Transfer transfer, ReadOnlyMemory<byte> payload)
    {
        _finished?.Dispose();
        _finished = null;
        _first = transfer with { DeliveryTag = null, State = null };
        _firstTag = transfer.DeliveryTag.GetValueOrDefault().ToArray();
        _transfers = 1;
        _partial = new ByteBuffer();
        Append(_partial, payload);
    }

    private void DropPartial()
    {
        _partial?.Dispose();
        _partial = null;
    }

    private void CheckFirst(in Transfer transfer)
    {
        if (transfer.Resume)
            throw LinkError(ErrorCondition.IllegalState, "Deliveries cannot be resumed here.");
        if (transfer.DeliveryId is null || transfer.DeliveryTag is not { } tag)
            throw LinkError(ErrorCondition.InvalidField, "A delivery's first transfer must have delivery-id and delivery-tag (AMQP 2.7.5).");
        if (tag.Length > Session.Connection.Limits.DeliveryTagBytesMax)
            throw LinkError(ErrorCondition.InvalidField, $"The delivery-tag has {tag.Length} bytes; 32 are allowed (AMQP 2.8.7).");
    }

    private void CheckSize(int length)
    {
        if (MaxMessageSizeBytes != 0 && (ulong)length > MaxMessageSizeBytes)
        {
            throw LinkError(
                ErrorCondition.MessageSizeExceeded,
                $"Message size is {length} bytes or more, which is greater than the max size {MaxMessageSizeBytes} bytes allowed.");
        }
    }

    // Transfers that were under way when our detach went out are legal; one that outruns its credit is not.
    private void OnTransferAfterDetach()
    {
        if (++_dropped > CreditTarget * (long)Session.Connection.Limits.TransfersPerDeliveryMax)
        {
            throw new AmqpException(
                ErrorScope.Session, ErrorCondition.ErrantLink, $"Link '{Name}' was detached and goes on sending.");
        }
    }

    private void TopUp()
    {
        if (CreditTarget == 0 || !IsAttached)
            return;
        var used = _outstanding + _credit.Available;
        if (used < CreditTarget && CreditTarget - used >= Math.Max(1, CreditTarget / 2))
            SendCredit();
    }

    private void SendCredit()
    {
        _credit.Grant(CreditTarget > _outstanding ? CreditTarget - _outstanding : 0);
        if (IsAttached)
            Session.WriteFlow(this, echo: false);
    }

    private static void Append(ByteBuffer buffer, ReadOnlyMemory<byte> bytes)
    {
        bytes.Span.CopyTo(buffer.GetSpan(bytes.Length));
        buffer.Advance(bytes.Length);
    }
}
