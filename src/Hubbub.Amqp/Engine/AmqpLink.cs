using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>Where a link stands (AMQP 2.6.3, 2.6.6).</summary>
public enum LinkState
{
    /// <summary>The peer's attach awaits our answer.</summary>
    AttachReceived,

    /// <summary>Our attach is out.</summary>
    AttachSent,

    /// <summary>Both attaches are there.</summary>
    Attached,

    /// <summary>Our detach is out; what still comes for the link is dropped.</summary>
    DetachSent,

    /// <summary>Gone; its handles are free.</summary>
    Detached,
}

/// <summary>One end of a link: either a <see cref="SenderLink"/> or a <see cref="ReceiverLink"/>.</summary>
public abstract class AmqpLink
{
    private bool _reported;

    private protected AmqpLink(AmqpSession session, Role role, string name)
    {
        Session = session;
        Role = role;
        Name = name;
    }

    /// <summary>The session.</summary>
    public AmqpSession Session { get; }

    /// <summary>Our role.</summary>
    public Role Role { get; }

    /// <summary>The name that both ends use.</summary>
    public string Name { get; }

    /// <summary>Where the link stands.</summary>
    public LinkState State { get; private set; } = LinkState.AttachReceived;

    /// <summary>True while messages may flow.</summary>
    public bool IsAttached => State == LinkState.Attached;

    /// <summary>True when our detach is out or the link is gone.</summary>
    public bool IsDetached => State >= LinkState.DetachSent;

    /// <summary>Our attach, once it is out.</summary>
    public Attach? LocalAttach { get; private set; }

    /// <summary>The peer's attach; owns its memory.</summary>
    public Attach? RemoteAttach { get; private set; }

    /// <summary>For the owner's use: what serves this link.</summary>
    public object? Context { get; set; }

    /// <summary>snd-settle-mode agreed on.</summary>
    public SenderSettleMode SenderSettleMode { get; private set; } = SenderSettleMode.Mixed;

    /// <summary>rcv-settle-mode agreed on.</summary>
    public ReceiverSettleMode ReceiverSettleMode { get; private set; }

    /// <summary>Deliveries that may be sent now (a sender), or that the peer may still send (a receiver).</summary>
    public abstract uint Credit { get; }

    internal abstract uint DeliveryCount { get; }

    internal abstract bool DrainFlag { get; }

    internal bool EchoPending { get; set; }

    /// <summary>The link's share of its session's unsettled deliveries; kept by the ring.</summary>
    internal int UnsettledCount { get; set; }

    /// <summary>No unsettled delivery of the link has an id before this one.</summary>
    internal uint UnsettledFrom { get; set; }

    internal uint Handle { get; set; }

    internal uint? RemoteHandle { get; private set; }

    /// <summary>
    /// Answers the peer's attach. Names, roles and handles are set here; termini, properties and capabilities are the
    /// caller's, settle modes default to what the peer asked for.
    /// </summary>
    public void Accept(Attach answer)
    {
        if (State == LinkState.AttachReceived && Session.State == SessionState.Mapped)
            SendAttach(answer);
    }

    /// <summary>
    /// Refuses the peer's attach: AMQP 2.6.3 wants an attach without termini, then a detach that says why.
    /// </summary>
    /// <param name="error">Why.</param>
    /// <param name="maxMessageSizeBytes">Goes into the attach; some clients expect one.</param>
    public void Refuse(AmqpError error, ulong? maxMessageSizeBytes = null)
    {
        if (State != LinkState.AttachReceived || Session.State != SessionState.Mapped)
            return;
        AnswerWithoutTermini(maxMessageSizeBytes);
        Stop(error);
        _reported = true;
    }

    /// <summary>Detaches the link for good; what still comes for it is dropped.</summary>
    public void Detach(AmqpError? error = null)
    {
        if (IsDetached || Session.State is SessionState.EndSent or SessionState.Ended)
            return;
        if (State == LinkState.AttachReceived)
            AnswerWithoutTermini(null);
        Stop(error);
    }

    internal abstract bool OnFlow(in Flow flow);

    /// <summary>Gives back what the link holds for messages under way.</summary>
    private protected abstract void OnStopped();

    /// <summary>Both attaches are there.</summary>
    private protected abstract void OnAttached(Attach local, Attach remote);

    internal void SendAttach(Attach attach)
    {
        var remote = RemoteAttach;
        var mine = attach with
        {
            Name = Name,
            Role = Role,
            Handle = Handle,
            SndSettleMode = remote?.SndSettleMode ?? attach.SndSettleMode,
            RcvSettleMode = this is ReceiverLink { SettlesAtOnce: true }
                ? ReceiverSettleMode.First
                : remote?.RcvSettleMode ?? attach.RcvSettleMode,
            InitialDeliveryCount = Role == Role.Sender ? attach.InitialDeliveryCount ?? 0 : null,
        };
        SenderSettleMode = mine.SndSettleMode;
        ReceiverSettleMode = mine.RcvSettleMode;
        var start = Session.BeginFrame();
        var writer = new AmqpWriter(Session.Output);
        mine.Write(ref writer);
        FrameWriter.End(Session.Output, start);
        LocalAttach = mine;
        if (remote is null)
        {
            State = LinkState.AttachSent;
            return;
        }
        State = LinkState.Attached;
        OnAttached(mine, remote);
    }

    /// <summary>Our detach went out before the peer's answer to our attach had come.</summary>
    internal bool AwaitsAttach => State == LinkState.DetachSent && RemoteAttach is null;

    internal void OnAttach(Attach remote)
    {
        RemoteHandle = remote.Handle;
        RemoteAttach = remote;
        if (State != LinkState.AttachSent)
            return;
        State = LinkState.Attached;
        SenderSettleMode = remote.SndSettleMode;
        ReceiverSettleMode = remote.RcvSettleMode;
        OnAttached(LocalAttach!, remote);
    }

    /// <summary>Takes the peer's detach and answers it when this side has not begun it.</summary>
    /// <returns>True when the owner has not heard of the end yet.</returns>
    internal bool OnDetach(Detach detach)
    {
        if (State == LinkState.AttachReceived)
            AnswerWithoutTermini(null);
        if (!IsDetached)
            WriteDetach(detach.Closed, null);
        State = LinkState.Detached;
        OnStopped();
        var report = !_reported;
        _reported = true;
        return report;
    }

    internal void ReportDetached(AmqpError? error, bool byPeer)
    {
        if (_reported)
            return;
        _reported = true;
        Session.Connection.Defer(new AmqpEvent
        {
            Kind = AmqpEventKind.LinkDetached,
            Session = Session,
            Link = this,
            Error = error,
            ByPeer = byPeer,
        });
    }

    internal void Forget()
    {
        State = LinkState.Detached;
        OnStopped();
    }

    private void Stop(AmqpError? error)
    {
        State = LinkState.DetachSent;
        WriteDetach(closed: true, error);
        OnStopped();
    }

    private void AnswerWithoutTermini(ulong? maxMessageSizeBytes) => SendAttach(new Attach
    {
        Name = Name,
        Handle = 0,
        Role = Role,
        MaxMessageSize = maxMessageSizeBytes,
        // A client exists that iterates over the properties without looking whether there are any.
        Properties = RemoteAttach?.Properties,
    });

    private void WriteDetach(bool closed, AmqpError? error)
    {
        var start = Session.BeginFrame();
        var writer = new AmqpWriter(Session.Output);
        var fitting = error.Fit(Session.Connection.RemoteFrameSizeBytesMax);
        new Detach { Handle = Handle, Closed = closed, Error = fitting }.Write(ref writer);
        FrameWriter.End(Session.Output, start);
    }

    private protected static AmqpException LinkError(string condition, string message) =>
        new(ErrorScope.Link, condition, message);
}
