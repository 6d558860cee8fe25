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
    private const uint InitialOutgoingId = 1;
    private readonly AmqpLimits _limits;
    private AmqpLink?[] _linksByHandle = [];
    private AmqpLink?[] _linksByRemoteHandle = [];
    private IncomingWindow _incoming;
    private OutgoingWindow _outgoing = new(InitialOutgoingId, 0);
    private bool _ended;
    private bool _echoPending;
    private long _echoSinceMs;
    private int _echoes;

    internal AmqpSession(AmqpConnection connection, ushort localChannel)
    {
        Connection = connection;
        LocalChannel = localChannel;
        _limits = connection.Limits;
        OutgoingUnsettled = new UnsettledRing(_limits.UnsettledSpanMax);
        IncomingUnsettled = new UnsettledRing(_limits.UnsettledSpanMax);
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
    public IEnumerable<AmqpLink> Links => _linksByHandle.OfType<AmqpLink>();

    internal UnsettledRing OutgoingUnsettled { get; }

    internal UnsettledRing IncomingUnsettled { get; }

    /// <summary>Ends the session and with it all its links.</summary>
    public void End(AmqpError? error = null)
    {
        if (State is SessionState.EndSent or SessionState.Ended || Connection.State != ConnectionState.Open)
            return;
        WriteEnd(error);
        State = SessionState.EndSent;
        ForgetLinks();
    }

    /// <summary>Attaches a link; its role is the one that <paramref name="attach"/> names, its handle is set here.</summary>
    /// <exception cref="InvalidOperationException">Every handle that the peer takes is in use.</exception>
    public AmqpLink Attach(Attach attach)
    {
        AmqpLink link = attach.Role == Role.Sender ? new SenderLink(this, attach.Name) : new ReceiverLink(this, attach.Name);
        link.Handle = AllocateHandle(link);
        link.SendAttach(attach);
        return link;
    }

    internal ByteBuffer Output => Connection.Output;

    internal void WriteBegin(ushort? remoteChannel)
    {
        var begin = new Begin
        {
            RemoteChannel = remoteChannel,
            NextOutgoingId = InitialOutgoingId,
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
        _outgoing = new OutgoingWindow(InitialOutgoingId, begin.IncomingWindow);
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

    internal void Detached(AmqpLink link)
    {
        if (_linksByHandle.Length > link.Handle && _linksByHandle[link.Handle] == link)
        {
            _linksByHandle[link.Handle] = null;
            Connection.LinkCount--;
        }
        if (link.RemoteHandle is { } remote && remote < _linksByRemoteHandle.Length && _linksByRemoteHandle[remote] == link)
            _linksByRemoteHandle[remote] = null;
        link.Forget();
    }

    private uint AllocateHandle(AmqpLink link)
    {
        var handle = Array.IndexOf(_linksByHandle, null);
        if (handle < 0)
        {
            handle = _linksByHandle.Length;
            Array.Resize(ref _linksByHandle, Math.Max(2, handle * 2));
        }
        if (RemoteBegin is { } begin && (uint)handle > begin.HandleMax)
            throw new InvalidOperationException($"All {handle} handles that the peer allows are in use.");
        _linksByHandle[handle] = link;
        Connection.LinkCount++;
        return (uint)handle;
    }

    private void ForgetLinks()
    {
        foreach (var link in _linksByHandle)
        {
            if (link is null)
                continue;
            Connection.LinkCount--;
            link.Forget();
        }
        _linksByHandle = [];
        _linksByRemoteHandle = [];
    }

    private void WriteEnd(AmqpError? error)
    {
        var start = BeginFrame();
        var writer = new AmqpWriter(Output);
        new End { Error = error }.Write(ref writer);
        FrameWriter.End(Output, start);
    }
}
