using System.Collections.Concurrent;

namespace Hubbub.Client.Connections;

/// <summary>
/// What is to be sent to one address, from the call to the peer's outcome, whatever becomes of links and connections
/// meanwhile. Messages are encoded when they are given and go out in the order of the calls, up to a window; what is
/// beyond waits in line. None waits longer than its time.
/// </summary>
/// <remarks>
/// The link that is there now takes messages under its driver's lock; all else is under the queue's own, which is the
/// inner one.
/// </remarks>
internal sealed class SendQueue
{
    private readonly int _window;
    private readonly ClientOptions _options;
    private readonly LinkLoss _onLinkLoss;
    private readonly Action _keep;
    private readonly TimeProvider _time;
    private readonly long _timeoutTicks;
    private readonly Lock _gate = new();
    private readonly SendLine _line;
    private readonly ConcurrentQueue<PendingSend> _pool = new();
    private readonly ITimer _timer;
    private Queue<PendingSend> _queued = new();
    private PendingSend? _oldest;
    private PendingSend? _newest;
    private bool _isTimerSet;
    private bool _isKept;
    private int _givenUpCount;
    private HubbubException? _givenUpReason;
    private HubbubException? _end;
    private SendingLink? _link;

    // Of the link that is there now, under its driver's lock.
    private Queue<PendingSend> _sending = new();

    /// <param name="address">Where it goes; in error texts.</param>
    /// <param name="window">Messages that may wait for the peer's answer at a time.</param>
    /// <param name="options">Time-outs and time.</param>
    /// <param name="onLinkLoss">What becomes of what was sent and is unanswered when the link is lost.</param>
    /// <param name="keep">
    /// Called when something is to be sent and nobody keeps a link up, until <see cref="GiveUp"/>. Must not block.
    /// </param>
    public SendQueue(string address, int window, ClientOptions options, LinkLoss onLinkLoss, Action keep)
    {
        Address = address;
        (_window, _options, _onLinkLoss, _keep) = (window, options, onLinkLoss, keep);
        _time = options.TimeProvider;
        _timeoutTicks = (long)(options.OperationTimeout.TotalSeconds * _time.TimestampFrequency);
        _line = new SendLine(window, ClientLimits.PendingBytesMax);
        _timer = options.TimeProvider.CreateTimer(
            static self => ((SendQueue)self!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public string Address { get; }

    /// <summary>Why nothing is sent any more; null while it is.</summary>
    public HubbubException? End => Volatile.Read(ref _end);

    /// <summary>Tells why there is no session just now; null when there is one, or nobody knows.</summary>
    public Func<HubbubException?>? Trouble { get; init; }

    /// <summary>Bytes of a message that the last link took at most; without a bound before the first.</summary>
    public ulong MessageBytesMax { get; private set; } = ulong.MaxValue;

    /// <summary>Why there is no link just now; null while there is one.</summary>
    private HubbubException? LinkFailure { get; set; }

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
            Keep();
            if (!_line.TryEnter())
                return SendInTurnAsync(_line.Join(), _givenUpCount, message, cancellationToken);
            task = Enqueue(message, _time.GetTimestamp() + _timeoutTicks, out pending);
        }
        pending.CancelWith(cancellationToken);
        Volatile.Read(ref _link)?.Wake();
        return task;
    }

    /// <summary>Sees to it that somebody keeps a link up.</summary>
    public void EnsureKept()
    {
        lock (_gate)
        {
            if (_end is { } end)
                throw end;
            Keep();
        }
    }

    /// <summary>A link is there: it takes messages from now on.</summary>
    public void Attach(SendingLink link)
    {
        LinkFailure = null;
        MessageBytesMax = link.MessageBytesMax;
        Volatile.Write(ref _link, link);
        link.Wake();
    }

    /// <summary>For the link: what goes out next.</summary>
    public bool TryPeek(out PendingSend pending)
    {
        if (_sending.TryPeek(out pending!))
            return true;
        lock (_gate)
            (_queued, _sending) = (_sending, _queued);
        return _sending.TryPeek(out pending!);
    }

    /// <summary>For the link: it has dealt with what goes out next.</summary>
    public void Dequeue() => _sending.Dequeue();

    /// <summary>For the link: messages have their outcomes.</summary>
    public void Finish(ReadOnlySpan<Outcome> outcomes)
    {
        var bytes = 0;
        lock (_gate)
        {
            foreach (var (pending, _) in outcomes)
            {
                bytes += pending.Payload.Length;
                Remove(pending);
            }
        }
        foreach (var (pending, failure) in outcomes)
            pending.Complete(failure);
        _line.Leave(bytes, outcomes.Length);
    }

    /// <summary>For the link: it is over. What is unanswered is sent again, or fails.</summary>
    public void OnLinkLost(HubbubException end)
    {
        if (_onLinkLoss == LinkLoss.End)
        {
            Close(end);
            return;
        }
        // What the peer may have broken with the link for is not given to it again.
        var resends = _onLinkLoss == LinkLoss.Resend
            && (end.IsTransient || end.Condition == HubbubCondition.UnauthorizedAccess);
        var failed = new List<PendingSend>();
        lock (_gate)
        {
            LinkFailure = end;
            Volatile.Write(ref _link, null);
            _queued.Clear();
            _sending.Clear();
            for (var pending = _oldest; pending is not null; pending = pending.Next)
            {
                if (pending.IsCompleted || (pending.IsSent && !resends))
                {
                    failed.Add(pending);
                    continue;
                }
                pending.IsSent = false;
                _queued.Enqueue(pending);
            }
        }
        foreach (var pending in failed)
            Finish([new Outcome(pending, end)]);
    }

    /// <summary>Nobody keeps a link up any more; the next send asks for one.</summary>
    public void GiveUp(HubbubException reason)
    {
        lock (_gate)
        {
            _isKept = false;
            _givenUpCount++;
            _givenUpReason = reason;
        }
        FailAll(reason);
    }

    /// <summary>Nothing is sent any more.</summary>
    public void Close(HubbubException end)
    {
        lock (_gate)
        {
            if (_end is not null)
                return;
            _end = end;
            Volatile.Write(ref _link, null);
        }
        FailAll(end);
        _line.Open();
        _timer.Dispose();
    }

    /// <summary>Takes back what nobody uses any more.</summary>
    internal void Return(PendingSend pending)
    {
        if (_pool.Count < _window)
            _pool.Enqueue(pending);
    }

    private void Keep()
    {
        if (_isKept)
            return;
        _isKept = true;
        _keep();
    }

    private ValueTask Enqueue(ISendable message, long deadline, out PendingSend pending)
    {
        pending = _pool.TryDequeue(out var pooled) ? pooled : new PendingSend(this);
        try
        {
            message.Encode(pending.Payload);
        }
        catch
        {
            pending.Payload.Clear();
            _pool.Enqueue(pending);
            _line.Leave(0, 1);
            throw;
        }
        pending.MessageFormat = message.MessageFormat;
        pending.Deadline = deadline;
        _line.Add(pending.Payload.Length);
        _queued.Enqueue(pending);
        Append(pending);
        if (!_isTimerSet)
            SetTimer(_options.OperationTimeout);
        return pending.Start();
    }

    private async ValueTask SendInTurnAsync(
        TaskCompletionSource turn, int givenUpCount, ISendable message, CancellationToken cancellationToken)
    {
        var deadline = _time.GetTimestamp() + _timeoutTicks;
        try
        {
            await turn.Task.WaitAsync(_options.OperationTimeout, _options.TimeProvider, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _line.GiveUp(turn);
            if (e is TimeoutException)
                throw TooLate(wasSent: false);
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
                if (givenUpCount != _givenUpCount)
                {
                    // Whoever stood in line when all was given up shares its reason.
                    _line.Leave(0, 1);
                    throw _givenUpReason!;
                }
                Keep();
                task = Enqueue(message, deadline, out pending);
            }
        }
        finally
        {
            // Only now the next one: what waited in line goes out in the order of the calls.
            _line.Next();
        }
        pending.CancelWith(cancellationToken);
        Volatile.Read(ref _link)?.Wake();
        await task.ConfigureAwait(false);
    }

    /// <summary>One timer for all: the oldest is the first whose time is over.</summary>
    private void OnTimer()
    {
        long? silentSince = null;
        lock (_gate)
        {
            _isTimerSet = false;
            if (_end is not null)
                return;
            var now = _time.GetTimestamp();
            var pending = _oldest;
            for (; pending is not null; pending = pending.Next)
            {
                if (pending.IsCompleted)
                    continue;
                if (pending.Deadline > now)
                    break;
                if (pending.IsSent)
                    silentSince ??= pending.Deadline - _timeoutTicks;
                pending.TryComplete(TooLate(pending.IsSent));
            }
            if (pending is not null)
                SetTimer(_time.GetElapsedTime(now, pending.Deadline));
        }
        // A peer that has said nothing at all since then is not slow but gone.
        if (silentSince is { } start)
            Volatile.Read(ref _link)?.Connection!.CutIfSilentSince(start);
    }

    private void SetTimer(TimeSpan delay)
    {
        _isTimerSet = true;
        // Timers take whole milliseconds and cut off what is below.
        _timer.Change(delay + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private HubbubException TooLate(bool wasSent)
    {
        var seconds = _options.OperationTimeout.TotalSeconds;
        var failure = LinkFailure ?? Trouble?.Invoke();
        var why = wasSent
            ? $"the hub did not answer within {seconds} s; it may have the message"
            : failure is null
                ? $"the message could not be sent within {seconds} s: the hub takes no more just now"
                : $"the message could not be sent within {seconds} s: {failure.Message.TrimEnd('.')}";
        return new HubbubException(HubbubCondition.Timeout, why, Address, failure?.TrackingId, failure);
    }

    private void FailAll(HubbubException reason)
    {
        var all = new List<PendingSend>();
        lock (_gate)
        {
            LinkFailure = reason;
            _queued.Clear();
            _sending.Clear();
            for (var pending = _oldest; pending is not null; pending = pending.Next)
                all.Add(pending);
        }
        foreach (var pending in all)
            Finish([new Outcome(pending, reason)]);
    }

    private void Append(PendingSend pending)
    {
        pending.Previous = _newest;
        pending.Next = null;
        if (_newest is null)
            _oldest = pending;
        else
            _newest.Next = pending;
        _newest = pending;
    }

    private void Remove(PendingSend pending)
    {
        if (pending.Previous is { } previous)
            previous.Next = pending.Next;
        else
            _oldest = pending.Next;
        if (pending.Next is { } next)
            next.Previous = pending.Previous;
        else
            _newest = pending.Previous;
        pending.Previous = pending.Next = null;
    }
}

/// <summary>What becomes of a <see cref="SendQueue"/> when its link is lost.</summary>
internal enum LinkLoss
{
    /// <summary>What is unanswered is sent again on the next link.</summary>
    Resend,

    /// <summary>What is unanswered fails; what has not gone out yet goes out on the next link.</summary>
    Fail,

    /// <summary>It ends with its link.</summary>
    End,
}
