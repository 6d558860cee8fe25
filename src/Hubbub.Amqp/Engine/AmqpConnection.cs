using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// One end of an AMQP 1.0 connection, without I/O: bytes and time in, events out, bytes out.
/// </summary>
/// <remarks>
/// <para>No socket, clock, thread, Task, lock or log is inside; the same input and the same calls give the same
/// output. It is not safe for concurrent use: whoever drives it serialises all calls, those on its sessions and links
/// included.</para>
/// <para>Input: <see cref="TryReceive"/> takes contiguous bytes, consumes at most up to the next event and returns it.
/// No input makes it throw: a peer that breaks a rule gets a detach, an end or a close, and the owner an event.</para>
/// <para>Output: whatever is to be sent is appended to <see cref="Output"/>; the driver takes it from there.</para>
/// <para>Time: <see cref="NowMs"/> is set by the driver before each call; <see cref="Tick"/> is called when the time
/// has come that it last returned.</para>
/// </remarks>
public sealed partial class AmqpConnection
{
    private readonly AmqpConnectionOptions _options;
    private readonly AmqpLimits _limits;
    private SaslNegotiation? _sasl;
    private SlotTable<AmqpSession> _sessionsByRemoteChannel = new();
    private SlotTable<AmqpSession> _sessionsByLocalChannel = new();
    private Queue<AmqpEvent>? _deferred;
    private DispositionCursor _disposition;
    private ByteBuffer? _delivered;
    private ByteBuffer? _freeBuffer;
    private bool _openSent;
    private bool _closeReported;
    private bool _deaf;

    /// <summary>Starts the engine; a client's header is in <see cref="Output"/> at once.</summary>
    public AmqpConnection(AmqpConnectionOptions options)
    {
        _options = options;
        _limits = options.Limits;
        NowMs = _startedMs = _lastReceivedMs = _lastSentMs = options.StartedMs;
        NextTickMs = _startedMs + _limits.OpenDeadlineMs;
        if (options.Role == ConnectionRole.Client)
            StartClient();
    }

    /// <summary>Where the connection stands.</summary>
    public ConnectionState State { get; private set; } = ConnectionState.Header;

    /// <summary>The bytes for the peer. The driver may swap the buffer for another one.</summary>
    public ByteBuffer Output { get; private set; } = new();

    /// <summary>Milliseconds on the driver's monotonic clock; set before each call.</summary>
    public long NowMs { get; set; }

    /// <summary>The peer's open, once it has come.</summary>
    public Open? RemoteOpen { get; private set; }

    /// <summary>The bounds in force.</summary>
    public AmqpLimits Limits => _limits;

    /// <summary>Bytes that one frame to the peer may have.</summary>
    public uint RemoteFrameSizeBytesMax { get; private set; } = 512;

    /// <summary>Links attached, all sessions together.</summary>
    public int LinkCount { get; internal set; }

    /// <summary>True when nothing more will be read or written.</summary>
    public bool IsEnded => State == ConnectionState.Ended;

    /// <summary>True while input waits for <see cref="CompleteSasl"/>, or for the answer to an Opened event.</summary>
    public bool AwaitsOwner => _sasl is { AwaitsOutcome: true } || (State == ConnectionState.Open && !_openSent);

    /// <summary>Bytes of messages that have come in part, all links together.</summary>
    internal long PartialBytes { get; set; }

    /// <summary>For the owner's use: what it keeps for this connection.</summary>
    public object? Context { get; set; }

    /// <summary>The sessions that are mapped now.</summary>
    public IEnumerable<AmqpSession> Sessions => _sessionsByLocalChannel.Values();

    /// <summary>Gives the driver what is to be sent and takes an empty buffer in exchange.</summary>
    public ByteBuffer SwapOutput(ByteBuffer empty)
    {
        var full = Output;
        Output = empty;
        if (full.Length > 0)
            _lastSentMs = NowMs;
        return full;
    }

    /// <summary>Server: says whether the client's SASL init is good. A refusal ends the connection.</summary>
    public void CompleteSasl(SaslCode code)
    {
        if (State != ConnectionState.Sasl || !AwaitsOwner)
            return;
        _sasl!.Complete(code);
        State = code == SaslCode.Ok ? ConnectionState.HeaderAfterSasl : ConnectionState.Ended;
        _sasl = null;
    }

    /// <summary>Server: answers the peer's open with ours.</summary>
    public void AcceptOpen()
    {
        if (!_openSent)
            WriteOpen();
    }

    /// <summary>Client: begins a session.</summary>
    /// <exception cref="InvalidOperationException">The connection is not open, or every channel is in use.</exception>
    public AmqpSession BeginSession()
    {
        if (!_openSent || State is ConnectionState.CloseSent or ConnectionState.Ended)
            throw new InvalidOperationException("The connection is not open.");
        var channel = _sessionsByLocalChannel.LowestFree();
        if (channel > Math.Min(_limits.ChannelMax, RemoteOpen?.ChannelMax ?? ushort.MaxValue))
            throw new InvalidOperationException($"All {channel} channels of the connection are in use.");
        var session = NewSession((ushort)channel);
        session.WriteBegin(remoteChannel: null);
        return session;
    }

    /// <summary>Closes the connection, with a reason or in peace; what comes in afterwards is dropped.</summary>
    public void Close(AmqpError? error = null)
    {
        if (State is ConnectionState.CloseSent or ConnectionState.Ended)
            return;
        if (State is ConnectionState.Header or ConnectionState.Sasl || (!_openSent && State < ConnectionState.Opening))
        {
            State = ConnectionState.Ended;
            return;
        }
        if (!_openSent)
            WriteOpen();
        WriteClose(error);
        State = ConnectionState.CloseSent;
        ForgetSessions();
        _closeSentMs = NowMs;
        TickBy(_closeSentMs + _limits.CloseLingerMs);
    }

    internal void Defer(in AmqpEvent e) => (_deferred ??= new Queue<AmqpEvent>()).Enqueue(e);

    internal void ReleaseChannels(AmqpSession session)
    {
        if (session.RemoteChannel is { } remote)
            _sessionsByRemoteChannel.Remove(remote, session);
        _sessionsByLocalChannel.Remove(session.LocalChannel, session);
    }

    /// <summary>A buffer to join a message in.</summary>
    internal ByteBuffer TakeBuffer()
    {
        var buffer = _freeBuffer ?? new ByteBuffer();
        _freeBuffer = null;
        return buffer;
    }

    internal void ReturnBuffer(ByteBuffer buffer)
    {
        buffer.Release();
        _freeBuffer = buffer;
    }

    /// <summary>The owner gets to see the message in it first; the next input ends that.</summary>
    internal void ReturnBufferLater(ByteBuffer buffer) => _delivered = buffer;

    private AmqpSession NewSession(ushort localChannel)
    {
        var session = new AmqpSession(this, localChannel, _options.FirstTransferId, _options.FirstDeliveryId);
        _sessionsByLocalChannel.Add(localChannel, session);
        return session;
    }

    // Whoever still holds a session or a link finds it ended, so that nothing is written behind a close.
    private void ForgetSessions()
    {
        for (uint channel = 0; channel < _sessionsByLocalChannel.Capacity; channel++)
            _sessionsByLocalChannel[channel]?.Forget();
        _sessionsByLocalChannel.Clear();
        _sessionsByRemoteChannel.Clear();
    }

    private void StartClient()
    {
        if (_options.SaslInit is not null)
        {
            _sasl = new SaslNegotiation(this, _options);
            Write(ProtocolHeader.Sasl);
            return;
        }
        Write(ProtocolHeader.Amqp);
        WriteOpen();
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Output.GetSpan(bytes.Length));
        Output.Advance(bytes.Length);
    }

    private void WriteOpen()
    {
        _openSent = true;
        var open = _options.LocalOpen with
        {
            MaxFrameSize = _limits.FrameSizeBytesMax,
            ChannelMax = _limits.ChannelMax,
            IdleTimeOut = _limits.IdleTimeoutMs,
        };
        var start = FrameWriter.Begin(Output, FrameType.Amqp, 0);
        var writer = new AmqpWriter(Output);
        open.Write(ref writer);
        FrameWriter.End(Output, start);
    }

    private void WriteClose(AmqpError? error)
    {
        var start = FrameWriter.Begin(Output, FrameType.Amqp, 0);
        var writer = new AmqpWriter(Output);
        new Close { Error = error.Fit(RemoteFrameSizeBytesMax) }.Write(ref writer);
        FrameWriter.End(Output, start);
    }
}
