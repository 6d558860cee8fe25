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
    private readonly AmqpLimits _limits;
    private LinkCredit _credit;
    private TagSet? _tags;
    private PartialDelivery _partial;
    private long _dropped;
    private uint _outstanding;

    internal ReceiverLink(AmqpSession session, string name)
        : base(session, Role.Receiver, name) => _limits = session.Connection.Limits;

    /// <summary>
    /// Most bytes in a message; 0 takes the max-message-size of our attach, and if that names none,
    /// <see cref="AmqpLimits.MessageBytesMax"/>, which stands above all.
    /// </summary>
    public ulong MaxMessageSizeBytes { get; set; }

    /// <summary>Deliveries that the peer may have under way or unsettled.</summary>
    public uint CreditTarget { get; private set; }

    /// <summary>Deliveries received that are neither settled nor released.</summary>
    public uint Outstanding => _outstanding;

    /// <summary>True from <see cref="Drain"/> until the peer has used or given back its credit.</summary>
    public bool IsDraining { get; private set; }

    /// <inheritdoc/>
    public override uint Credit => _credit.Available;

    internal override uint DeliveryCount => _credit.DeliveryCount;

    internal override bool DrainFlag => IsDraining;

    /// <summary>
    /// Set before the link is accepted: it settles first even when the sender asked for second, for the receiver has
    /// the say (AMQP 2.7.3) and some senders ask for second and then wait for a settled disposition.
    /// </summary>
    public bool SettlesAtOnce { get; set; }

    /// <summary>True when our disposition is the last word (rcv-settle-mode first).</summary>
    internal bool SettlesFirst => ReceiverSettleMode == ReceiverSettleMode.First;

    /// <summary>
    /// Lets the peer send, and keeps its credit topped up from now on. Before the link is attached it takes effect
    /// when it is.
    /// </summary>
    public void Grant(uint creditTarget)
    {
        CreditTarget = creditTarget;
        IsDraining = false;
        if (IsAttached)
            SendCredit();
    }

    /// <summary>
    /// Asks the peer to send what it has now and to give the rest of its credit back, and grants no more. A LinkFlow
    /// event says when <see cref="IsDraining"/> has become false.
    /// </summary>
    public void Drain()
    {
        if (!IsAttached)
            return;
        CreditTarget = 0;
        IsDraining = true;
        Session.WriteFlow(this, echo: false);
    }

    /// <summary>
    /// Tells the outcome of deliveries of this link; ids of other links in between are left alone, and so are those
    /// settled already.
    /// </summary>
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

    /// <summary>The owner or the sender has settled a delivery.</summary>
    internal void OnSettled(ulong tagKey, bool told)
    {
        _tags!.Remove(tagKey);
        if (!told)
            OnTold();
    }

    /// <summary>The owner has dealt with a delivery.</summary>
    internal void OnTold() => _outstanding -= Math.Min(1, _outstanding);

    /// <summary>True for the delivery that has not come to its end.</summary>
    internal bool IsPartial(uint deliveryId) => _partial.IsActive && _partial.Id == deliveryId;

    internal void TopUp()
    {
        if (CreditTarget == 0 || !IsAttached)
            return;
        var used = _outstanding + _credit.Available;
        if (used < CreditTarget && CreditTarget - used >= Math.Max(1, CreditTarget / 2))
            SendCredit();
    }

    internal bool OnTransfer(in Transfer transfer, ReadOnlyMemory<byte> payload, ref AmqpEvent e)
    {
        if (!IsAttached)
        {
            OnTransferAfterDetach();
            return false;
        }
        if (transfer.Resume)
            throw LinkError(ErrorCondition.IllegalState, "Deliveries cannot be resumed here.");
        if (_partial.IsActive)
            return OnContinuation(transfer, payload, ref e);
        if (transfer.DeliveryId is not { } id || transfer.DeliveryTag is not { } tag)
        {
            throw LinkError(
                ErrorCondition.InvalidField,
                "A delivery's first transfer must have delivery-id and delivery-tag (AMQP 2.7.5).");
        }
        if (tag.Length > _limits.DeliveryTagBytesMax)
        {
            throw LinkError(
                ErrorCondition.InvalidField,
                $"The delivery-tag has {tag.Length} bytes; {_limits.DeliveryTagBytesMax} are allowed (AMQP 2.8.7).");
        }
        if (!_credit.TryTake())
            throw LinkError(ErrorCondition.TransferLimitExceeded, $"Link '{Name}' has no credit for another delivery.");
        if (transfer.Aborted)
        {
            TopUp();
            return false;
        }
        CheckSize(payload.Length);
        var settled = transfer.Settled ?? false;
        var tagKey = settled ? 0 : Track(id, tag.Span);
        if (!transfer.More)
        {
            Deliver(id, transfer.MessageFormat ?? 0, settled, tag, payload, ref e);
            return true;
        }
        _partial.Start(Session.Connection.TakeBuffer(), transfer, settled, tagKey);
        Append(payload);
        return false;
    }

    internal override bool OnFlow(in Flow flow)
    {
        if (!IsAttached || flow.DeliveryCount is not { } deliveryCount)
            return false;
        // AMQP 2.6.7: a drained sender tells by its flow how far its delivery-count has come.
        if (_credit.AdvanceTo(deliveryCount))
            TopUp();
        if (!IsDraining || _credit.Available > 0)
            return false;
        IsDraining = false;
        return true;
    }

    private protected override void OnAttached(Attach local, Attach remote)
    {
        _credit = new LinkCredit(remote.InitialDeliveryCount ?? 0);
        if (MaxMessageSizeBytes == 0)
            MaxMessageSizeBytes = local.MaxMessageSize ?? 0;
        if (CreditTarget > 0)
            SendCredit();
    }

    private protected override void OnStopped()
    {
        Session.IncomingUnsettled.RemoveAll(this);
        _partial.Drop(Session.Connection);
        _tags = null;
        _outstanding = 0;
        IsDraining = false;
    }

    // The id is taken when the first transfer comes: deliveries of other links may begin and end before this one does.
    private ulong Track(uint id, ReadOnlySpan<byte> tag)
    {
        var tagKey = TagSet.KeyOf(tag);
        if (!(_tags ??= new TagSet()).Add(tagKey))
        {
            throw LinkError(
                ErrorCondition.InvalidField, "The delivery-tag is in use by an unsettled delivery (AMQP 2.6.12).");
        }
        if (Session.IncomingUnsettled.TryAdd(id, this, null, tagKey))
            return tagKey;
        _tags.Remove(tagKey);
        throw LinkError(
            ErrorCondition.InvalidField,
            $"delivery-id {id} does not follow the ones before it, or too many deliveries are unsettled.");
    }

    private void Deliver(
        uint id, uint format, bool settled, ReadOnlyMemory<byte> tag, ReadOnlyMemory<byte> payload, ref AmqpEvent e)
    {
        _outstanding++;
        e.Kind = AmqpEventKind.Delivery;
        e.Session = Session;
        e.Link = this;
        e.Delivery = new IncomingDelivery
        {
            Id = id,
            MessageFormat = format,
            Settled = settled,
            Tag = tag,
            Payload = payload,
        };
    }

    private bool OnContinuation(in Transfer transfer, ReadOnlyMemory<byte> payload, ref AmqpEvent e)
    {
        if (transfer.DeliveryId is { } id && id != _partial.Id)
        {
            throw LinkError(
                ErrorCondition.InvalidField, $"Transfer of delivery {id} came inside delivery {_partial.Id}.");
        }
        if (transfer.DeliveryTag is { } tag && !tag.Span.SequenceEqual(_partial.Tag.Span))
            throw LinkError(ErrorCondition.InvalidField, "The delivery-tag changed within a delivery (AMQP 2.7.5).");
        if (_partial.IsSettled && transfer.Settled == false)
            throw LinkError(ErrorCondition.InvalidField, "A settled delivery became unsettled (AMQP 2.7.5).");
        if (transfer.Aborted)
        {
            Untrack();
            _partial.Drop(Session.Connection);
            TopUp();
            return false;
        }
        if (++_partial.Transfers > _limits.TransfersPerDeliveryMax)
            throw LinkError(ErrorCondition.TransferLimitExceeded, "A delivery has too many transfers.");
        CheckSize(_partial.Length + (long)payload.Length);
        Append(payload);
        if (transfer.Settled == true)
        {
            Untrack();
            _partial.IsSettled = true;
        }
        if (transfer.More)
            return false;
        var message = _partial.Finish(Session.Connection);
        Deliver(_partial.Id, _partial.MessageFormat, _partial.IsSettled, _partial.Tag, message, ref e);
        return true;
    }

    private void Append(ReadOnlyMemory<byte> payload)
    {
        var connection = Session.Connection;
        if (connection.PartialBytes + payload.Length > _limits.PartialBytesMax)
        {
            throw LinkError(
                ErrorCondition.ResourceLimitExceeded, "Too many messages of the connection have come in part.");
        }
        _partial.Append(payload.Span, connection);
    }

    private void Untrack()
    {
        if (_partial.IsSettled)
            return;
        ref var entry = ref Session.IncomingUnsettled.Find(_partial.Id);
        Session.IncomingUnsettled.Remove(ref entry);
        _tags!.Remove(_partial.TagKey);
    }

    private void CheckSize(long lengthBytes)
    {
        var bytesMax = (ulong)_limits.MessageBytesMax;
        if (MaxMessageSizeBytes != 0)
            bytesMax = Math.Min(bytesMax, MaxMessageSizeBytes);
        if ((ulong)lengthBytes > bytesMax)
        {
            throw LinkError(
                ErrorCondition.MessageSizeExceeded,
                $"Message size is {lengthBytes} bytes or more, "
                + $"which is greater than the max size {bytesMax} bytes allowed.");
        }
    }

    // Our detach stands before our next flow, so what was under way when it went out fits the window of then; twice
    // that leaves room for a peer which empties a queue of its own first.
    private void OnTransferAfterDetach()
    {
        if (++_dropped > 2L * _limits.IncomingWindow)
        {
            throw new AmqpException(
                ErrorScope.Session, ErrorCondition.ErrantLink, $"Link '{Name}' was detached and goes on sending.");
        }
    }

    private void SendCredit()
    {
        _credit.Grant(CreditTarget > _outstanding ? CreditTarget - _outstanding : 0);
        Session.WriteFlow(this, echo: false);
    }
}
