using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// The sending end of a link. A message goes out when there is credit and the session's window is open; one that is
/// larger than the peer's frames is split, and its rest waits for the window by itself.
/// </summary>
public sealed class SenderLink : AmqpLink
{
    private LinkCredit _credit = new(0);
    private ByteBuffer? _rest;
    private int _restOffset;
    private uint _deliveryId;
    private bool _settled;
    private bool _drainedAfterRest;
    private int _payloadStart;

    internal SenderLink(AmqpSession session, string name)
        : base(session, Role.Sender, name)
    {
    }

    /// <inheritdoc/>
    public override uint Credit => _credit.Available;

    /// <summary>Most bytes in a message that the peer takes (its max-message-size); 0 = it names no limit.</summary>
    public ulong RemoteMaxMessageSizeBytes => RemoteAttach?.MaxMessageSize ?? 0;

    /// <summary>The peer wants the credit used up now: send what there is, then call <see cref="Drained"/>.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>The delivery-id of the message begun last.</summary>
    public uint LastDeliveryId => _deliveryId;

    /// <summary>True while the rest of the message begun last waits for the session's window.</summary>
    public bool HasPartlySent => _rest is not null;

    /// <summary>True when a message would go out (at least its first frame).</summary>
    public bool CanSend =>
        IsAttached
        && _credit.Available > 0
        && _rest is null
        && Session.OutgoingWindowRemaining > 0
        && !Session.OutgoingUnsettled.IsFull;

    internal override uint DeliveryCount => _credit.DeliveryCount;

    internal override bool DrainFlag => IsDraining;

    /// <summary>Sends one message.</summary>
    /// <param name="tag">At most 32 bytes, unique among the link's unsettled deliveries.</param>
    /// <param name="messageFormat">0 for the standard one.</param>
    /// <param name="message">The encoded message; copied.</param>
    /// <param name="settled">True when no disposition is wanted.</param>
    /// <param name="token">Comes back with the peer's disposition.</param>
    /// <returns>False when <see cref="CanSend"/> is.</returns>
    public bool TrySend(
        ReadOnlySpan<byte> tag, uint messageFormat, ReadOnlySpan<byte> message, bool settled, object? token = null)
    {
        if (!CanSend)
            return false;
        var start = BeginMessage(tag, messageFormat, settled);
        message.CopyTo(Session.Output.GetSpan(message.Length));
        Session.Output.Advance(message.Length);
        EndMessage(start, token);
        return true;
    }

    /// <summary>
    /// Starts a message whose bytes the caller then appends to the connection's Output; only when
    /// <see cref="CanSend"/> is true, and with <see cref="EndMessage"/> before anything else is called.
    /// </summary>
    /// <param name="tag">As in <see cref="TrySend"/>; copied.</param>
    /// <param name="messageFormat">As in <see cref="TrySend"/>.</param>
    /// <param name="settled">As in <see cref="TrySend"/>.</param>
    /// <returns>What <see cref="EndMessage"/> wants back.</returns>
    public int BeginMessage(ReadOnlySpan<byte> tag, uint messageFormat, bool settled)
    {
        _credit.TryTake();
        _deliveryId = Session.TakeDeliveryId();
        _settled = settled;
        var start = Session.BeginFrame();
        var writer = new AmqpWriter(Session.Output);
        var mark = writer.BeginList(Transfer.Descriptor);
        writer.WriteUInt(Handle);
        writer.WriteUInt(_deliveryId);
        writer.WriteBinary(tag);
        writer.WriteUInt(messageFormat);
        writer.WriteBoolean(settled);
        writer.WriteBoolean(false);
        writer.WriteNull();
        writer.WriteNull();
        writer.WriteBoolean(false);
        writer.WriteBoolean(false);
        writer.WriteBoolean(false);
        writer.EndList(mark, TransferFieldCount);
        _payloadStart = Session.Output.Length;
        return start;
    }

    /// <summary>Completes the message that <see cref="BeginMessage"/> started.</summary>
    public void EndMessage(int start, object? token = null)
    {
        if (!_settled)
            Session.OutgoingUnsettled.TryAdd(_deliveryId, this, token, 0);
        var output = Session.Output;
        if ((uint)(output.Length - start) <= Session.Connection.RemoteFrameSizeBytesMax)
        {
            FrameWriter.End(output, start);
            Session.TakeOutgoing();
            return;
        }
        Split(start);
    }

    /// <summary>
    /// Settles a delivery whose outcome the peer told without settling it (rcv-settle-mode second).
    /// </summary>
    public void Settle(uint deliveryId, DeliveryState? state) => Session.SettleSent(deliveryId, state);

    /// <summary>
    /// Says that there is nothing more to send: a drain gives the credit back (AMQP 2.6.7), after the message whose
    /// rest still waits for the window.
    /// </summary>
    public void Drained()
    {
        if (!IsDraining || !IsAttached)
            return;
        _drainedAfterRest = _rest is not null;
        if (_drainedAfterRest)
            return;
        _credit.Drain();
        Session.WriteFlow(this, echo: false);
        IsDraining = false;
    }

    internal override bool OnFlow(in Flow flow)
    {
        if (IsDetached || flow.LinkCredit is not { } linkCredit)
            return false;
        // AMQP 2.6.7: before the receiver has seen our attach it knows no delivery-count.
        _credit.Update(flow.DeliveryCount ?? LocalAttach?.InitialDeliveryCount ?? 0, linkCredit);
        IsDraining = flow.Drain;
        _drainedAfterRest &= flow.Drain;
        if (!IsAttached)
            return false;
        if (flow.Drain && _credit.Available == 0)
            Drained();
        return true;
    }

    /// <summary>Sends more of a split message when the window has opened.</summary>
    internal void ResumePartial()
    {
        if (_rest is not null && IsAttached)
            SendRest();
    }

    private const int TransferFieldCount = 11;

    private protected override void OnAttached(Attach local, Attach remote)
    {
        // A receiver may send its flow right behind its attach; such credit counts from the initial delivery-count.
        var early = _credit.Available;
        _credit = new LinkCredit(local.InitialDeliveryCount.GetValueOrDefault());
        if (early == 0)
            return;
        _credit.Grant(early);
        Session.Connection.Defer(new AmqpEvent { Kind = AmqpEventKind.LinkFlow, Session = Session, Link = this });
    }

    private protected override void OnStopped()
    {
        Session.OutgoingUnsettled.RemoveAll(this);
        Session.ReportRoom();
        FreeRest();
    }

    private void FreeRest()
    {
        if (_rest is null)
            return;
        Session.Connection.ReturnBuffer(_rest);
        _rest = null;
        Session.PartialSends--;
    }

    // The frame is too large for the peer: it keeps what fits, and the rest waits in a buffer of its own.
    private void Split(int start)
    {
        var output = Session.Output;
        var end = start + (int)Session.Connection.RemoteFrameSizeBytesMax;
        _rest = Session.Connection.TakeBuffer();
        _rest.Write(output.WrittenSpan[end..]);
        _restOffset = 0;
        Session.PartialSends++;
        output.Truncate(end);
        output.WrittenSpan[_payloadStart - MoreFromEnd] = FormatCode.True;
        FrameWriter.End(output, start);
        Session.TakeOutgoing();
        SendRest();
    }

    /// <summary>more is followed by rcv-settle-mode, state, resume, aborted and batchable, one byte each.</summary>
    private const int MoreFromEnd = 6;

    private void SendRest()
    {
        var output = Session.Output;
        while (_rest is not null && Session.OutgoingWindowRemaining > 0)
        {
            var start = Session.BeginFrame();
            var writer = new AmqpWriter(output);
            var transfer = new Transfer { Handle = Handle, DeliveryId = _deliveryId, Settled = _settled, More = true };
            transfer.Write(ref writer);
            var room = (int)Session.Connection.RemoteFrameSizeBytesMax - (output.Length - start);
            if (_rest.Length - _restOffset <= room)
            {
                output.Truncate(start);
                start = Session.BeginFrame();
                writer = new AmqpWriter(output);
                new Transfer { Handle = Handle, DeliveryId = _deliveryId, Settled = _settled }.Write(ref writer);
                AppendRest(int.MaxValue);
                FreeRest();
            }
            else
            {
                AppendRest(room);
            }
            FrameWriter.End(output, start);
            Session.TakeOutgoing();
        }
        if (_rest is null && _drainedAfterRest)
            Drained();
    }

    private void AppendRest(int bytesMax)
    {
        var piece = _rest!.WrittenSpan[_restOffset..];
        piece = piece[..Math.Min(piece.Length, bytesMax)];
        piece.CopyTo(Session.Output.GetSpan(piece.Length));
        Session.Output.Advance(piece.Length);
        _restOffset += piece.Length;
    }
}
