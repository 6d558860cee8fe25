using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>The peer's end of a link.</summary>
internal sealed class PeerLink(PeerSession session, Attach attach, Attach reply)
{
    private const int FramePayloadBytesMax = 60_000;
    private uint _deliveryCount;

    public PeerSession Session => session;

    public string Name => attach.Name;

    public uint Handle => attach.Handle;

    /// <summary>The hub's answer to the attach.</summary>
    public Attach Reply => reply;

    /// <summary>Why the hub refused the link; null when it did not.</summary>
    public AmqpError? Refusal { get; set; }

    /// <summary>Sends a message, in several transfers when it is larger than a frame.</summary>
    /// <returns>Its delivery-id.</returns>
    public async Task<uint> SendAsync(
        ReadOnlyMemory<byte> message, bool settled = false, uint format = 0, byte[]? tag = null)
    {
        var id = session.NewDeliveryId();
        var rest = message;
        do
        {
            var piece = rest[..Math.Min(rest.Length, FramePayloadBytesMax)];
            rest = rest[piece.Length..];
            session.NextOutgoingId++;
            await session.Peer.SendAsync(session.Channel, new Transfer
            {
                Handle = Handle,
                DeliveryId = id,
                DeliveryTag = tag ?? BitConverter.GetBytes(id),
                MessageFormat = format,
                Settled = settled,
                More = !rest.IsEmpty,
            }.Write, piece.Span);
        }
        while (!rest.IsEmpty);
        return id;
    }

    /// <summary>Sends a message and waits for its outcome.</summary>
    public async Task<DeliveryState?> SendAndWaitAsync(ReadOnlyMemory<byte> message, uint format = 0) =>
        await OutcomeAsync(await SendAsync(message, format: format));

    public async Task<DeliveryState?> OutcomeAsync(uint deliveryId) =>
        (await session.Peer.WhenSettledAsync(session.Channel, deliveryId)).State;

    /// <summary>Lets the hub send <paramref name="credit"/> messages from here on.</summary>
    public Task CreditAsync(uint credit, bool drain = false) =>
        session.FlowAsync(Handle, credit, _deliveryCount, drain);

    /// <summary>The next whole message.</summary>
    public async Task<ReceivedMessage> ReceiveAsync()
    {
        var bytes = new List<byte>();
        Transfer? first = null;
        var frames = 0;
        while (true)
        {
            var frame = await session.Peer.NextFrameAsync<Transfer>(t => t.Handle == reply.Handle, session.Channel);
            var transfer = (Transfer)frame.Performative!;
            first ??= transfer;
            frames++;
            bytes.AddRange(frame.Payload);
            if (transfer.More)
                continue;
            _deliveryCount++;
            return new ReceivedMessage(first.Value, [.. bytes], frames);
        }
    }

    /// <summary>Messages that have come and were not asked for.</summary>
    public int Waiting => session.Peer.Inbox.Count(
        f => f.Performative is Transfer { More: false } t && t.Handle == reply.Handle && f.Channel == session.Channel);

    /// <summary>Deliveries that have come, as the next flow tells it; a drain moves it too.</summary>
    public uint DeliveryCount
    {
        get => _deliveryCount;
        set => _deliveryCount = value;
    }

    /// <summary>The next messages.</summary>
    public async Task<ReceivedMessage[]> ReceiveAsync(int count)
    {
        var messages = new ReceivedMessage[count];
        for (var i = 0; i < count; i++)
            messages[i] = await ReceiveAsync();
        return messages;
    }

    /// <summary>The hub's detach of this link.</summary>
    public async Task<AmqpError?> DetachedAsync() =>
        (await session.Peer.NextAsync<Detach>(d => d.Handle == reply.Handle, session.Channel)).Error;

    /// <summary>True when the hub has detached the link.</summary>
    public bool IsDetached => session.Peer.Inbox.Any(
        f => f.Performative is Detach d && d.Handle == reply.Handle && f.Channel == session.Channel);

    public async Task DetachAsync(bool wait = true)
    {
        await session.Peer.SendAsync(session.Channel, new Detach { Handle = Handle, Closed = true }.Write);
        if (wait)
            await DetachedAsync();
    }
}

/// <summary>One message from the hub.</summary>
internal sealed record ReceivedMessage(Transfer Transfer, byte[] Bytes, int Frames)
{
    public MessageSections Sections =>
        MessageSections.TryRead(Bytes, SectionOrder.Strict, out var sections, out var problem)
            ? sections
            : throw new InvalidOperationException($"The hub sent a malformed message: {problem.Text}");

    public long SequenceNumber => Annotation("x-opt-sequence-number") is var value && value.TryGetInt64(out var number)
        ? number
        : throw new InvalidOperationException("No sequence number.");

    public string Text => System.Text.Encoding.UTF8.GetString(Data);

    public byte[] Data
    {
        get
        {
            var all = new List<byte>();
            foreach (var payload in Sections.Data)
                all.AddRange(payload.Span);
            return [.. all];
        }
    }

    public Hubbub.Amqp.Codec.AmqpValue Annotation(string key) =>
        Sections.MessageAnnotations is { } map && map.TryGet(key, out var value) ? value : default;
}
