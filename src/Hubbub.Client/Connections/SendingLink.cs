using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Connections;

/// <summary>A link that sends what its queue holds, as credit and window allow, and gives the outcomes back.</summary>
internal sealed class SendingLink(SendQueue queue) : ClientLink(queue.Address)
{
    private readonly Lock _finishing = new();
    private readonly List<Outcome> _finished = [];
    private ulong _nextTag;
    private int _isAwake;

    // Under the driver's lock only.
    private int _unanswered;
    private bool _isRetiring;

    /// <summary>True when there is something to send that the peer does not take now.</summary>
    public bool WaitsForPeer { get; private set; }

    /// <summary>Bytes of a message that the peer takes at most; only when it is attached.</summary>
    public ulong MessageBytesMax =>
        ((SenderLink)Link!).RemoteMaxMessageSizeBytes is var max and not 0 ? max : ulong.MaxValue;

    /// <summary>For the connection: it has the link among those that have something to send.</summary>
    public bool IsListed { get; set; }

    /// <summary>Says that there is something to send. From anywhere.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _isAwake, 1) == 0)
            Connection!.Wake(this);
    }

    /// <summary>For the connection: it looks after the link now, so that the next wake counts anew.</summary>
    public void Woken() => Interlocked.Exchange(ref _isAwake, 0);

    /// <summary>Writes what may go out.</summary>
    /// <returns>True when more may go out as soon as there is room.</returns>
    public bool Pump(ByteBuffer output, int bytesMax)
    {
        WaitsForPeer = false;
        if (Link is not SenderLink { IsAttached: true } link || HasEnded || _isRetiring)
            return false;
        Span<byte> tag = stackalloc byte[sizeof(ulong)];
        while (queue.TryPeek(out var pending))
        {
            if (pending.IsCompleted)
            {
                // Given up before it went out.
                queue.Dequeue();
                queue.Finish([new Outcome(pending, null)]);
                continue;
            }
            if (link.RemoteMaxMessageSizeBytes is var max && max != 0 && (ulong)pending.Payload.Length > max)
            {
                queue.Dequeue();
                queue.Finish([new Outcome(pending, TooLarge(pending, max))]);
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
            _unanswered++;
            pending.IsSent = true;
            queue.Dequeue();
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
        var isFirst = false;
        lock (_finishing)
        {
            isFirst = _finished.Count == 0;
            _finished.Add(new Outcome(pending, e.State is Accepted ? null : Explain(e.State)));
        }
        if (isFirst)
            Connection!.FlushLater(this);
        _unanswered--;
        GiveBackWhenDone(isOverdue: false);
    }

    /// <summary>What is sent has its answer here; all else goes out by the next link, in order.</summary>
    public override void OnRetiring(bool isOverdue)
    {
        _isRetiring = true;
        GiveBackWhenDone(isOverdue);
    }

    /// <summary>Gives the outcomes that have come back to their senders, many at a time.</summary>
    public override void Flush()
    {
        lock (_finishing)
        {
            if (_finished.Count == 0)
                return;
            queue.Finish(CollectionsMarshal.AsSpan(_finished));
            _finished.Clear();
        }
    }

    protected override void OnReady() => queue.Attach(this);

    protected override void OnStopped(HubbubException end)
    {
        Flush();
        queue.OnLinkLost(end);
    }

    private void GiveBackWhenDone(bool isOverdue)
    {
        if (_isRetiring && (_unanswered == 0 || isOverdue) && !HasEnded && Link!.IsAttached)
            Connection!.GiveBack(this);
    }

    private HubbubException TooLarge(PendingSend pending, ulong max)
    {
        var (what, hint) = pending.MessageFormat == MessageFormats.Batch
            ? ("batch", "; send fewer messages at a time")
            : ("message", "");
        return new HubbubException(
            ErrorCondition.MessageSizeExceeded,
            $"the {what} has {pending.Payload.Length} bytes, the link takes {max}{hint}",
            Address);
    }

    private HubbubException Explain(DeliveryState? state) => state switch
    {
        Rejected { Error: { } error } => HubbubException.From(error, Address),
        Rejected => new(ErrorCondition.InvalidField, "the message was rejected without a reason", Address),
        Released => new(HubbubCondition.Released, "the hub released the message: it did not take it now", Address),
        Modified => new(HubbubCondition.Released, "the hub gave the message back as modified", Address),
        _ => new(HubbubCondition.Released, "the hub settled the message without an outcome", Address),
    };
}

/// <summary>What became of a message; no failure means accepted.</summary>
internal readonly record struct Outcome(PendingSend Pending, HubbubException? Failure);
