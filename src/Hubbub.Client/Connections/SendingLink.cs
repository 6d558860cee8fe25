using System.Buffers.Binary;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Connections;

/// <summary>
/// A link that sends, any number of messages at a time up to its window: each is encoded when it is given, goes out in
/// order as credit allows, and completes with the peer's outcome. What is beyond the window waits in line. It takes
/// messages before it is attached, so that they keep their order.
/// </summary>
internal sealed class SendingLink : ClientLink
{
    private readonly int _window;
    private readonly Lock _gate = new();
    private readonly SendLine _line;
    private readonly Stack<PendingSend> _pool = new();
    private Queue<PendingSend> _queued = new();
    private HubbubException? _end;

    // Under the driver's lock only.
    private Queue<PendingSend> _sending = new();
    private PendingSend? _underWay;
    private ulong _nextTag;

    public SendingLink(string address, int window)
        : base(address)
    {
        _window = window;
        _line = new SendLine(window, ClientLimits.PendingBytesMax);
    }

    /// <summary>True when there is something to send that the peer does not take now.</summary>
    public bool WaitsForPeer { get; private set; }

    /// <summary>Why the link is over; null while it is not.</summary>
    public HubbubException? End => Volatile.Read(ref _end);

    /// <summary>Sends a message; completes when the peer has accepted it.</summary>
    /// <exception cref="HubbubException">It was not accepted, or nobody knows.</exception>
    public ValueTask SendAsync(ISendable message, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellationToken);
        PendingSend pending;
        ValueTask task;
        lock (_gate)
        {
            if (_end is { } end)
                return ValueTask.FromException(end);
            if (!_line.TryEnter())
                return SendInTurnAsync(_line.Join(), message, cancellationToken);
            task = Enqueue(message, out pending);
        }
        pending.CancelWith(cancellationToken);
        Connection?.Wake();
        return task;
    }

    /// <summary>Writes what may go out.</summary>
    /// <returns>True when more may go out as soon as there is room.</returns>
    public bool Pump(ByteBuffer output, int bytesMax)
    {
        WaitsForPeer = false;
        if (Link is not SenderLink { IsAttached: true } link)
            return false;
        Span<byte> tag = stackalloc byte[sizeof(ulong)];
        while (TryPeek(out var pending))
        {
            if (pending.IsCompleted)
            {
                // Given up before it went out.
                _sending.Dequeue();
                Finish(pending, null);
                continue;
            }
            if (link.RemoteMaxMessageSizeBytes is var max && max != 0 && (ulong)pending.Payload.Length > max)
            {
                _sending.Dequeue();
                Finish(pending, TooLarge(pending.Payload.Length, max));
                continue;
            }
            if (output.Length >= bytesMax)
                return true;
            BinaryPrimitives.WriteUInt64BigEndian(tag, _nextTag);
            if (!link.TrySend(tag, pending.MessageFormat, pending.Payload.WrittenSpan, settled: false, pending))
            {
                WaitsForPeer = true;
                return false;
            }
            _nextTag++;
            _sending.Dequeue();
            AddUnderWay(pending);
        }
        return false;
    }

    public override void OnEvent(in AmqpEvent e)
    {
        // AMQP 3.4: Received is no outcome; more will come.
        if (e.Kind != AmqpEventKind.DeliveryUpdated || e.Token is not PendingSend pending || e.State is Received)
            return;
        if (!e.RemoteSettled)
        {
            if (e.State is null)
                return;
            ((SenderLink)Link!).Settle(e.Delivery.Id, null);
        }
        RemoveUnderWay(pending);
        Finish(pending, e.State is Accepted ? null : Explain(e.State));
    }

    /// <summary>Takes back what nobody uses any more.</summary>
    internal void Return(PendingSend pending)
    {
        lock (_gate)
        {
            if (_pool.Count < _window)
                _pool.Push(pending);
        }
    }

    protected override void OnReady() => Connection?.Wake();

    protected override void OnStopped(HubbubException end)
    {
        lock (_gate)
        {
            if (_end is not null)
                return;
            Volatile.Write(ref _end, end);
            while (_queued.TryDequeue(out var queued))
                _sending.Enqueue(queued);
        }
        while (_underWay is { } pending)
        {
            RemoveUnderWay(pending);
            Finish(pending, end);
        }
        while (_sending.TryDequeue(out var pending))
            Finish(pending, end);
        _line.Open();
    }

    private ValueTask Enqueue(ISendable message, out PendingSend pending)
    {
        pending = _pool.TryPop(out var pooled) ? pooled : new PendingSend(this);
        try
        {
            message.Encode(pending.Payload);
        }
        catch
        {
            pending.Payload.Clear();
            _pool.Push(pending);
            _line.Leave(0);
            throw;
        }
        pending.MessageFormat = message.MessageFormat;
        _line.Add(pending.Payload.Length);
        _queued.Enqueue(pending);
        return pending.Start();
    }

    private async ValueTask SendInTurnAsync(
        TaskCompletionSource turn, ISendable message, CancellationToken cancellationToken)
    {
        try
        {
            await turn.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _line.GiveUp(turn);
            throw;
        }
        PendingSend pending;
        ValueTask task;
        try
        {
            lock (_gate)
            {
                if (_end is { } end)
                    throw end;
                task = Enqueue(message, out pending);
            }
        }
        finally
        {
            // Only now the next one: what waited in line goes out in the order of the calls.
            _line.Next();
        }
        pending.CancelWith(cancellationToken);
        Connection?.Wake();
        await task.ConfigureAwait(false);
    }

    private bool TryPeek(out PendingSend pending)
    {
        if (_sending.TryPeek(out pending!))
            return true;
        lock (_gate)
            (_queued, _sending) = (_sending, _queued);
        return _sending.TryPeek(out pending!);
    }

    private void Finish(PendingSend pending, HubbubException? failure)
    {
        _line.Leave(pending.Payload.Length);
        pending.Complete(failure);
    }

    private HubbubException TooLarge(int size, ulong max) => new(
        ErrorCondition.MessageSizeExceeded, $"the message has {size} bytes, {max} are allowed", Address);

    private HubbubException Explain(DeliveryState? state) => state switch
    {
        Rejected { Error: { } error } => HubbubException.From(error, Address),
        Rejected => new(ErrorCondition.InvalidField, "the message was rejected without a reason", Address),
        Released => new(HubbubCondition.Released, "the hub released the message: it did not take it now", Address),
        Modified => new(HubbubCondition.Released, "the hub gave the message back as modified", Address),
        _ => new(HubbubCondition.Released, "the hub settled the message without an outcome", Address),
    };

    private void AddUnderWay(PendingSend pending)
    {
        pending.Previous = null;
        pending.Next = _underWay;
        if (_underWay is not null)
            _underWay.Previous = pending;
        _underWay = pending;
    }

    private void RemoveUnderWay(PendingSend pending)
    {
        if (pending.Previous is { } previous)
            previous.Next = pending.Next;
        else
            _underWay = pending.Next;
        if (pending.Next is { } next)
            next.Previous = pending.Previous;
        pending.Previous = pending.Next = null;
    }
}
