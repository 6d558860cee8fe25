using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>The peer's end of a session: its numbers, and the steps that most tests share.</summary>
internal sealed class PeerSession(RawPeer peer, ushort channel)
{
    private uint _nextHandle;
    private uint _nextDeliveryId;

    public RawPeer Peer => peer;

    public ushort Channel => channel;

    /// <summary>Transfers that have come, as the next flow tells it.</summary>
    public uint NextIncomingId { get; set; }

    public uint NextOutgoingId { get; set; }

    public uint IncomingWindow { get; set; } = int.MaxValue;

    public uint NewHandle() => _nextHandle++;

    /// <summary>Begins again at handle 0, when all links are detached.</summary>
    public void ReuseHandles() => _nextHandle = 0;

    public uint NewDeliveryId() => _nextDeliveryId++;

    public async Task<PeerSession> BeginAsync(uint incomingWindow = int.MaxValue)
    {
        IncomingWindow = incomingWindow;
        await peer.SendAsync(channel, new Begin
        {
            NextOutgoingId = 0,
            IncomingWindow = incomingWindow,
            OutgoingWindow = 5_000,
        }.Write);
        await peer.NextAsync<Begin>(b => b.RemoteChannel == channel);
        return this;
    }

    /// <summary>Attaches a link and waits for the answer, be it yes or no.</summary>
    public async Task<PeerLink> AttachAsync(Attach attach)
    {
        await peer.SendAsync(channel, attach.Write);
        var reply = await peer.NextAsync<Attach>(a => a.Name == attach.Name && a.Role != attach.Role, channel);
        var link = new PeerLink(this, attach, reply);
        var accepted = attach.Role == Role.Sender ? reply.Target is not null : reply.Source is not null;
        if (!accepted)
            link.Refusal = (await peer.NextAsync<Detach>(d => d.Handle == reply.Handle, channel)).Error;
        return link;
    }

    public Task<PeerLink> SenderAsync(string address, string? name = null, SenderSettleMode mode = SenderSettleMode.Mixed) =>
        AttachAsync(new Attach
        {
            Name = name ?? $"sender-{Guid.NewGuid():N}",
            Handle = NewHandle(),
            Role = Role.Sender,
            SndSettleMode = mode,
            Source = new Source { Address = "me".ToValue() },
            Target = new Target { Address = address.ToValue() },
            InitialDeliveryCount = 0,
        });

    public Task<PeerLink> ReceiverAsync(string address, string? name = null, Func<Attach, Attach>? change = null)
    {
        var attach = new Attach
        {
            Name = name ?? $"receiver-{Guid.NewGuid():N}",
            Handle = NewHandle(),
            Role = Role.Receiver,
            Source = new Source { Address = address.ToValue() },
            Target = new Target { Address = "me".ToValue() },
        };
        return AttachAsync(change is null ? attach : change(attach));
    }

    /// <summary>A flow of the session, with or without a link.</summary>
    public Task FlowAsync(uint? handle = null, uint? credit = null, uint? deliveryCount = null, bool drain = false, bool echo = false) =>
        peer.SendAsync(channel, new Flow
        {
            NextIncomingId = NextIncomingId,
            IncomingWindow = IncomingWindow,
            NextOutgoingId = NextOutgoingId,
            OutgoingWindow = 5_000,
            Handle = handle,
            DeliveryCount = deliveryCount,
            LinkCredit = credit,
            Drain = drain,
            Echo = echo,
        }.Write);

    /// <summary>Returns when the hub has taken everything that was sent before.</summary>
    public async Task PingAsync()
    {
        await FlowAsync(echo: true);
        await peer.NextAsync<Flow>(f => f.Handle is null, channel);
    }
}
