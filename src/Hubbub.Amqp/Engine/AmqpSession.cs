using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>Where a session stands (AMQP 2.5.5).</summary>
public enum SessionState
{
    /// <summary>Our begin is out, the peer's has not come.</summary>
    BeginSent,

    /// <summary>Both begins are there.</summary>
    Mapped,

    /// <summary>Our end is out; everything but the peer's end is dropped.</summary>
    EndSent,

    /// <summary>Over; the channel is free.</summary>
    Ended,
}

/// <summary>One session: its links, its two windows, its unsettled deliveries. Driven by its connection.</summary>
public sealed partial class AmqpSession
{
    private readonly AmqpLimits _limits;
    private readonly uint _firstTransferId;
    private SlotTable<AmqpLink> _linksByHandle = new();
    private SlotTable<AmqpLink> _linksByRemoteHandle = new();
    private IncomingWindow _incoming;
    private OutgoingWindow _outgoing;
    private bool _ended;

    internal AmqpSession(AmqpConnection connection, ushort localChannel, uint firstTransferId, uint firstDeliveryId)
    {
        Connection = connection;
        LocalChannel = localChannel;
        _limits = connection.Limits;
        _firstTransferId = firstTransferId;
        _nextDeliveryId = firstDeliveryId;
        _outgoing = new OutgoingWindow(firstTransferId, 0);
        OutgoingUnsettled = new UnsettledRing(_limits.UnsettledMax);
        IncomingUnsettled = new UnsettledRing(_limits.UnsettledMax);
    }

    /// <summary>The connection.</summary>
    public AmqpConnection Connection { get; }

    /// <summary>Where the session stands.</summary>
    public SessionState State { get; private set; } = SessionState.BeginSent;

    /// <summary>The channel of our frames.</summary>
    public ushort LocalChannel { get; }

    /// <summary>The channel of the peer's frames.</summary>
    public ushort? RemoteChannel { get; private set; }

    /// <summary>The peer's begin.</summary>
    public Begin? RemoteBegin { get; private set; }

    /// <summary>For the owner's use.</summary>
    public object? Context { get; set; }

    /// <summary>Transfer frames that may be sent now.</summary>
    public uint OutgoingWindowRemaining => _outgoing.Remaining;

    /// <summary>The links that are attached, being attached or being detached.</summary>
    public IEnumerable<AmqpLink> Links => _linksByHandle.Values();

    internal UnsettledRing OutgoingUnsettled { get; }

    internal UnsettledRing IncomingUnsettled { get; }

    /// <summary>Ends the session and with it all its links.</summary>
    public void End(AmqpError? error = null)
    {
        if (State is SessionState.EndSent or SessionState.Ended)
            return;
        WriteEnd(error);
        State = SessionState.EndSent;
        ForgetLinks();
    }

    /// <summary>
    /// Attaches a link; its role is the one that <paramref name="attach"/> names, its handle is set here.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The session is over, or every handle that the peer takes is in use.
    /// </exception>
    public AmqpLink Attach(Attach attach)
    {
        if (State is SessionState.EndSent or SessionState.Ended)
            throw new InvalidOperationException("The session is over.");
        AmqpLink link = attach.Role == Role.Sender
            ? new SenderLink(this, attach.Name)
            : new ReceiverLink(this, attach.Name);
        if (!TryAllocateHandle(link))
            throw new InvalidOperationException($"All {_linksByHandle.Count} handles that the peer allows are in use.");
        link.SendAttach(attach);
        return link;
    }

    internal ByteBuffer Output => Connection.Output;

    internal void WriteBegin(ushort? remoteChannel)
    {
        var begin = new Begin
        {
            RemoteChannel = remoteChannel,
            NextOutgoingId = _firstTransferId,
            IncomingWindow = _limits.IncomingWindow,
            OutgoingWindow = RemoteBegin?.IncomingWindow ?? _limits.IncomingWindow,
            HandleMax = _limits.HandleMax,
        };
        var start = BeginFrame();
        var writer = new AmqpWriter(Output);
        begin.Write(ref writer);
        FrameWriter.End(Output, start);
    }

    internal void OnBegin(ushort channel, Begin begin)
    {
        var answer = State == SessionState.BeginSent && RemoteChannel is null && begin.RemoteChannel is null;
        RemoteChannel = channel;
        RemoteBegin = begin;
        _incoming = new IncomingWindow(_limits.IncomingWindow, begin.NextOutgoingId);
        _outgoing = new OutgoingWindow(_firstTransferId, begin.IncomingWindow);
        if (answer)
            WriteBegin(channel);
        if (State == SessionState.BeginSent)
            State = SessionState.Mapped;
    }

    internal void OnEnd(End end, ref AmqpEvent e)
    {
        if (State != SessionState.EndSent)
            WriteEnd(null);
        State = SessionState.Ended;
        Connection.ReleaseChannels(this);
        if (!_ended)
        {
            e.Kind = AmqpEventKind.SessionEnded;
            e.Session = this;
            e.Error = end.Error;
            e.ByPeer = true;
            _ended = true;
        }
        ForgetLinks();
    }

    internal void ReportEnded(AmqpError? error, bool byPeer)
    {
        if (_ended)
            return;
        _ended = true;
        Connection.Defer(new AmqpEvent
        {
            Kind = AmqpEventKind.SessionEnded,
            Session = this,
            Error = error,
            ByPeer = byPeer,
        });
    }

    internal int BeginFrame() => FrameWriter.Begin(Output, FrameType.Amqp, LocalChannel);

    /// <summary>The connection is over: nothing is written any more, nothing is kept.</summary>
    internal void Forget()
    {
        State = SessionState.Ended;
        ForgetLinks();
    }

    private void WriteEnd(AmqpError? error)
    {
        var start = BeginFrame();
        var writer = new AmqpWriter(Output);
        new End { Error = error.Fit(Connection.RemoteFrameSizeBytesMax) }.Write(ref writer);
        FrameWriter.End(Output, start);
    }
}
