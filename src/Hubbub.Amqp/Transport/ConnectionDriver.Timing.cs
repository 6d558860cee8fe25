namespace Hubbub.Amqp.Transport;

// One timer: the engine's deadlines and heartbeats, and the write that makes no progress.
public sealed partial class ConnectionDriver
{
    private const long NotWriting = -1;

    /// <summary>The longest that the timer sleeps, ms; TimeProvider's timers take some weeks at most.</summary>
    private const long SleepMaxMs = 3_600_000;

    private ITimer? _timer;
    private long _timerAtMs = long.MaxValue;
    private long _writeStartedMs = NotWriting;

    private void StartTimer()
    {
        lock (_gate)
        {
            _timer = _time.CreateTimer(
                static self => ((ConnectionDriver)self!).OnTimer(),
                this,
                Timeout.InfiniteTimeSpan,
                Timeout.InfiniteTimeSpan);
            _engine.NowMs = NowMs(_time);
            Rearm();
        }
    }

    private async ValueTask StopTimerAsync()
    {
        ITimer? timer;
        lock (_gate)
        {
            timer = _timer;
            _timer = null;
        }
        if (timer is not null)
            await timer.DisposeAsync().ConfigureAwait(false);
    }

    private void OnTimer()
    {
        var cut = false;
        lock (_gate)
        {
            _timerAtMs = long.MaxValue;
            var nowMs = _engine.NowMs = NowMs(_time);
            var startedMs = Volatile.Read(ref _writeStartedMs);
            if (startedMs != NotWriting && nowMs - startedMs >= _engine.Limits.WriteStallMs)
                cut = true;
            else
                cut = Tick();
            LetReaderGoOn();
            Rearm();
        }
        // Outside of the lock: cancelling may run continuations of the reader or the writer right here.
        if (cut)
            _aborted.Cancel();
        _wakeWriter.Signal();
    }

    /// <summary>Does what is due.</summary>
    /// <returns>True when a deadline has ended the connection: there is no peer left to say goodbye to.</returns>
    private bool Tick()
    {
        var wasEnded = _engine.IsEnded;
        if (_readerWaits)
            _engine.ExcuseSilence();
        _engine.Tick();
        try
        {
            TakeEvents();
        }
#pragma warning disable CA1031 // As in RunAsync: a bug ends this connection only, not the process whose timer this is.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref _fault, e, null);
            return true;
        }
        return !wasEnded && _engine.IsEnded;
    }

    /// <summary>Sets the timer to what is due next; the lock is held.</summary>
    private void Rearm()
    {
        var atMs = _engine.NextTickMs;
        var startedMs = Volatile.Read(ref _writeStartedMs);
        if (startedMs != NotWriting)
            atMs = Math.Min(atMs, startedMs + _engine.Limits.WriteStallMs);
        if (atMs >= _timerAtMs || _timer is null)
            return;
        _timerAtMs = atMs;
        var delayMs = Math.Clamp(atMs - _engine.NowMs, 1, SleepMaxMs);
        _timer.Change(TimeSpan.FromMilliseconds(delayMs), Timeout.InfiniteTimeSpan);
    }

    /// <summary>A write has to wait for the peer: from here on its time counts.</summary>
    private void WatchWrite()
    {
        lock (_gate)
        {
            _engine.NowMs = NowMs(_time);
            Volatile.Write(ref _writeStartedMs, _engine.NowMs);
            Rearm();
        }
    }
}
