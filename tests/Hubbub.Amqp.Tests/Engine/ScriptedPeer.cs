using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>
/// The other end of one engine: sends it frames, expects frames back, and plays its owner. No socket, and the clock
/// stands still until a test moves it.
/// </summary>
internal sealed class ScriptedPeer
{
    private readonly Queue<Happened> _events = new();
    private readonly Queue<byte[]> _output = new();
    private byte[] _unread = [];

    public ScriptedPeer(AmqpConnectionOptions options)
    {
        Engine = new AmqpConnection(options);
        CollectOutput();
    }

    public AmqpConnection Engine { get; }

    /// <summary>How the owner answers an attach; null leaves it to the test.</summary>
    public Action<AmqpLink>? OnAttach { get; set; } = Accept;

    /// <summary>What the owner does with a SASL init; null leaves it to the test.</summary>
    public SaslCode? SaslVerdict { get; set; } = SaslCode.Ok;

    public bool AcceptsOpen { get; set; } = true;

    /// <summary>Runs with each event, before the test sees it.</summary>
    public Action<Happened>? OnEvent { get; set; }

    /// <summary>A hub's engine; the peer plays the client.</summary>
    public static ScriptedPeer OfServer(AmqpLimits? limits = null, bool saslRequired = false, uint firstId = 1, uint firstDeliveryId = 0) =>
        new(new AmqpConnectionOptions
        {
            Role = ConnectionRole.Server,
            LocalOpen = new Open { ContainerId = "hub", Hostname = "hub.example" },
            SaslMechanisms = ["EXTERNAL", "MSSBCBS", "ANONYMOUS", "PLAIN"],
            SaslRequired = saslRequired,
            Limits = limits ?? AmqpLimits.Default,
            FirstTransferId = firstId,
            FirstDeliveryId = firstDeliveryId,
        });

    /// <summary>A client's engine; the peer plays the hub.</summary>
    public static ScriptedPeer OfClient(AmqpLimits? limits = null, SaslInit? sasl = null) =>
        new(new AmqpConnectionOptions
        {
            Role = ConnectionRole.Client,
            LocalOpen = new Open { ContainerId = "device", Hostname = "hub.example" },
            SaslInit = sasl,
            Limits = limits ?? AmqpLimits.Default,
        });

    /// <summary>A hub's engine after header and open.</summary>
    public static ScriptedPeer OpenedServer(
        AmqpLimits? limits = null, uint maxFrameSize = 65_536, uint? idleTimeOut = null, uint firstId = 1, uint firstDeliveryId = 0)
    {
        var peer = OfServer(limits, firstId: firstId, firstDeliveryId: firstDeliveryId);
        peer.Send(Frames.AmqpHeader);
        peer.Send(new Open { ContainerId = "device", MaxFrameSize = maxFrameSize, IdleTimeOut = idleTimeOut });
        peer.ExpectBytes(Frames.AmqpHeader);
        peer.Expect<Open>();
        peer.ExpectEvent(AmqpEventKind.Opened);
        return peer;
    }

    /// <summary>A hub's engine with a session on channel 0.</summary>
    public static ScriptedPeer MappedServer(
        AmqpLimits? limits = null,
        uint maxFrameSize = 65_536,
        uint window = 5_000,
        uint nextOutgoingId = 1,
        uint firstId = 1,
        uint firstDeliveryId = 0)
    {
        var peer = OpenedServer(limits, maxFrameSize, firstId: firstId, firstDeliveryId: firstDeliveryId);
        peer.Begin(0, window, nextOutgoingId);
        return peer;
    }

    /// <summary>Feeds bytes, as they are.</summary>
    public void Send(byte[] bytes)
    {
        var input = new ReadOnlyMemory<byte>([.. _unread, .. bytes]);
        while (true)
        {
            var happened = Engine.TryReceive(input, out var consumed, out var e);
            input = input[consumed..];
            if (!happened)
                break;
            Take(e);
        }
        _unread = input.ToArray();
        CollectOutput();
    }

    public void Send(object performative, ushort channel = 0, byte[]? payload = null) =>
        Send(Frames.Frame(performative, channel, payload));

    /// <summary>Sends a transfer on handle 0 with the id as its tag.</summary>
    public void SendTransfer(
        uint? id, byte[] payload, bool? settled = false, bool more = false, uint handle = 0, byte[]? tag = null, ushort channel = 0) =>
        Send(
            new Transfer
            {
                Handle = handle,
                DeliveryId = id,
                DeliveryTag = tag ?? (id is null ? (ReadOnlyMemory<byte>?)null : BitConverter.GetBytes(id.Value)),
                MessageFormat = 0,
                Settled = settled,
                More = more,
            },
            channel,
            payload);

    public void Begin(ushort channel, uint window = 5_000, uint nextOutgoingId = 1)
    {
        Send(new Begin { NextOutgoingId = nextOutgoingId, IncomingWindow = window, OutgoingWindow = 5_000 }, channel);
        Assert.Equal(channel, Expect<Begin>(channel).RemoteChannel);
        ExpectEvent(AmqpEventKind.SessionBegan);
    }

    /// <summary>Attaches a link by which the peer sends to the engine.</summary>
    public ReceiverLink AttachSender(
        string name = "up", uint handle = 0, ushort channel = 0, uint credit = 100, ReceiverSettleMode mode = default)
    {
        var before = OnAttach;
        if (credit > 0)
            OnAttach = link => AcceptAndGrant(link, credit);
        Send(SenderAttach(name, handle) with { RcvSettleMode = mode }, channel);
        OnAttach = before;
        Expect<Attach>(channel);
        if (credit > 0)
            Expect<Flow>(channel);
        return (ReceiverLink)ExpectEvent(AmqpEventKind.LinkAttached).Link!;
    }

    /// <summary>Attaches a link by which the engine sends to the peer.</summary>
    public SenderLink AttachReceiver(
        string name = "down", uint handle = 0, ushort channel = 0, uint credit = 100, ReceiverSettleMode mode = default)
    {
        Send(ReceiverAttach(name, handle) with { RcvSettleMode = mode }, channel);
        Expect<Attach>(channel);
        var link = (SenderLink)ExpectEvent(AmqpEventKind.LinkAttached).Link!;
        if (credit > 0)
            SendCredit(credit, handle, channel: channel);
        return link;
    }

    public static Attach SenderAttach(string name, uint handle = 0) => new()
    {
        Name = name,
        Handle = handle,
        Role = Role.Sender,
        Source = new Source { Address = AmqpValue.From("device") },
        Target = new Target { Address = AmqpValue.From("/events") },
        InitialDeliveryCount = 0,
    };

    public static Attach ReceiverAttach(string name, uint handle = 0) => new()
    {
        Name = name,
        Handle = handle,
        Role = Role.Receiver,
        Source = new Source { Address = AmqpValue.From("/commands") },
        Target = new Target { Address = AmqpValue.From("device") },
    };

    /// <summary>Sends a flow that grants credit from delivery-count 0, or the one given.</summary>
    public void SendCredit(
        uint credit, uint handle = 0, uint deliveryCount = 0, bool drain = false, bool echo = false, ushort channel = 0)
    {
        SendFlow(handle, deliveryCount, credit, drain, echo, channel);
        ExpectEvent(AmqpEventKind.LinkFlow);
    }

    public void SendFlow(
        uint? handle = null,
        uint? deliveryCount = null,
        uint? credit = null,
        bool drain = false,
        bool echo = false,
        ushort channel = 0,
        uint? nextIncomingId = null,
        uint window = 5_000,
        uint? nextOutgoingId = null) =>
        Send(
            new Flow
            {
                NextIncomingId = nextIncomingId ?? 1 + Transfers,
                IncomingWindow = window,
                NextOutgoingId = nextOutgoingId ?? NextOutgoingId,
                OutgoingWindow = 5_000,
                Handle = handle,
                DeliveryCount = deliveryCount,
                LinkCredit = credit,
                Drain = drain,
                Echo = echo,
            },
            channel);

    /// <summary>Transfers of the engine that the test has looked at; a flow's next-incoming-id counts them.</summary>
    public uint Transfers { get; private set; }

    /// <summary>What the peer's flows say of its own transfers; the engine takes any number that is not behind.</summary>
    public uint NextOutgoingId { get; set; } = 1;

    public void Advance(long ms)
    {
        Engine.NowMs += ms;
        Engine.Tick();
        Send([]);
    }

    /// <summary>Runs an owner's call and collects what it sends.</summary>
    public void Do(Action action)
    {
        action();
        CollectOutput();
        Send([]);
    }

    public T Expect<T>(ushort channel = 0) => Expect<T>(out _, channel);

    public T Expect<T>(out byte[] payload, ushort channel = 0)
    {
        Assert.True(_output.TryDequeue(out var bytes), $"A {typeof(T).Name} was expected, and the engine sent nothing.");
        Assert.True(FrameReader.Read(bytes, uint.MaxValue, out var frame) == bytes.Length, "The engine sent no frame.");
        var performative = Frames.Decode(frame.Body, out payload);
        if (performative is Transfer)
            Transfers++;
        Assert.True(
            performative is T, $"A {typeof(T).Name} was expected, and the engine sent {performative}.");
        Assert.Equal(channel, frame.Channel);
        return (T)performative;
    }

    /// <summary>All that the engine has sent and nobody has looked at, of one kind; the rest is passed over.</summary>
    public IEnumerable<T> TakeAll<T>()
    {
        while (_output.TryDequeue(out var bytes))
        {
            if (FrameReader.Read(bytes, uint.MaxValue, out var frame) == bytes.Length
                && Frames.Decode(frame.Body, out _) is T performative)
                yield return performative;
        }
    }

    /// <summary>Expects bytes that are no frame: a header.</summary>
    public void ExpectBytes(byte[] bytes)
    {
        Assert.True(_output.TryDequeue(out var sent), "The engine sent nothing.");
        Assert.Equal(bytes, sent);
    }

    public void ExpectHeartbeat()
    {
        Assert.True(_output.TryDequeue(out var sent), "The engine sent nothing.");
        Assert.Equal("0000000802000000", Convert.ToHexString(sent));
    }

    /// <summary>The engine has sent nothing that was not looked at.</summary>
    public void ExpectSilence()
    {
        if (_output.TryPeek(out var bytes))
            Assert.Fail(FrameReader.Read(bytes, uint.MaxValue, out var frame) > 0 && !frame.Body.IsEmpty
                ? $"The engine sent {Frames.Decode(frame.Body, out _)}."
                : $"The engine sent {Convert.ToHexString(bytes)}.");
    }

    public void ExpectNoEvent()
    {
        if (_events.TryPeek(out var e))
            Assert.Fail($"There was {e.Kind}: {e.Error}.");
    }

    public Happened ExpectEvent(AmqpEventKind kind)
    {
        Assert.True(_events.TryDequeue(out var e), $"{kind} was expected, and nothing happened.");
        Assert.True(kind == e.Kind, $"{kind} was expected, and there was {e.Kind}: {e.Error}.");
        return e;
    }

    /// <summary>Expects that the engine closed the connection with this condition, and told its owner.</summary>
    public void ExpectClose(string condition)
    {
        Assert.Equal(condition, Expect<Close>().Error?.Condition.Value);
        ExpectSilence();
        var closed = ExpectEvent(AmqpEventKind.Closed);
        Assert.Equal(condition, closed.Error?.Condition.Value);
        Assert.False(closed.ByPeer);
        Assert.Equal(ConnectionState.CloseSent, Engine.State);
        Assert.Empty(Engine.Sessions);
    }

    /// <summary>Expects that the engine ended the session with this condition, and goes on with the rest.</summary>
    public void ExpectEnd(string condition, ushort channel = 0)
    {
        Assert.Equal(condition, Expect<End>(channel).Error?.Condition.Value);
        ExpectSilence();
        var ended = ExpectEvent(AmqpEventKind.SessionEnded);
        Assert.Equal(condition, ended.Error?.Condition.Value);
        Assert.False(ended.ByPeer);
        Assert.Equal(ConnectionState.Open, Engine.State);
    }

    /// <summary>Expects that the engine detached the link with this condition, and goes on with the rest.</summary>
    public void ExpectDetach(string condition, uint handle = 0, ushort channel = 0)
    {
        var detach = Expect<Detach>(channel);
        Assert.Equal(handle, detach.Handle);
        Assert.True(detach.Closed);
        Assert.Equal(condition, detach.Error?.Condition.Value);
        ExpectSilence();
        var detached = ExpectEvent(AmqpEventKind.LinkDetached);
        Assert.Equal(condition, detached.Error?.Condition.Value);
        Assert.False(detached.ByPeer);
        Assert.Equal(SessionState.Mapped, detached.Session!.State);
    }

    public static void Accept(AmqpLink link) => link.Accept(new Attach
    {
        Name = link.Name,
        Handle = 0,
        Role = link.Role,
        Source = link.RemoteAttach!.Source,
        Target = link.RemoteAttach!.Target,
    });

    public static void AcceptAndGrant(AmqpLink link, uint credit)
    {
        Accept(link);
        if (link is ReceiverLink receiver)
            receiver.Grant(credit);
    }

    private void Take(in AmqpEvent e)
    {
        var happened = Happened.From(e);
        _events.Enqueue(happened);
        switch (e.Kind)
        {
            case AmqpEventKind.Opened when AcceptsOpen:
                Engine.AcceptOpen();
                break;
            case AmqpEventKind.SaslInit when SaslVerdict is { } verdict:
                Engine.CompleteSasl(verdict);
                break;
            case AmqpEventKind.LinkAttached when e.Link!.State == LinkState.AttachReceived:
                OnAttach?.Invoke(e.Link!);
                break;
        }
        OnEvent?.Invoke(happened);
    }

    // The driver swaps the buffer whenever it writes, so the tests do so as often as they can.
    private void CollectOutput()
    {
        var full = Engine.SwapOutput(new ByteBuffer());
        var bytes = full.WrittenSpan.ToArray();
        full.WrittenSpan.Fill(0xEE);
        full.Dispose();
        for (var start = 0; start < bytes.Length;)
        {
            var rest = bytes.AsSpan(start);
            var size = rest.StartsWith("AMQP"u8) ? ProtocolHeader.Size : FrameReader.BytesNeeded(rest, uint.MaxValue);
            _output.Enqueue(rest[..size].ToArray());
            start += size;
        }
    }
}
