using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

// Deadlines and heartbeats (AMQP 2.4.5): everything of the engine that depends on time.
public sealed partial class AmqpConnection
{
    private const long RateWindowMs = 1_000;
    private readonly long _startedMs;
    private long _lastReceivedMs;
    private long _lastSentMs;
    private long _closeSentMs;
    private long _emptyFramesSinceMs;
    private int _emptyFrames;
    private bool _echoesPending;

    /// <summary>The peer must hear from us once in this time, ms; 0 when it does not ask for it.</summary>
    public long HeartbeatMs { get; private set; }

    /// <summary>
    /// Does what is due at <see cref="NowMs"/>: heartbeats, deadlines, echoes put off. A deadline that has passed ends
    /// the connection with a Closed event, to be fetched by <see cref="TryReceive"/>.
    /// </summary>
    /// <returns><see cref="NextTickMs"/>.</returns>
    public long Tick()
    {
        NextTickMs = long.MaxValue;
        TickBy(DoWhatIsDue());
        return NextTickMs;
    }

    /// <summary>
    /// When to call <see cref="Tick"/> at the latest, on the clock of <see cref="NowMs"/>; any other call may bring it
    /// forward.
    /// </summary>
    public long NextTickMs { get; private set; }

    /// <summary>
    /// Says that the peer is held back and cannot be heard: its silence does not count against it.
    /// </summary>
    public void ExcuseSilence() => _lastReceivedMs = NowMs;

    internal void TickBy(long atMs) => NextTickMs = Math.Min(NextTickMs, atMs);

    private long DoWhatIsDue()
    {
        switch (State)
        {
            case ConnectionState.Ended:
                return long.MaxValue;
            case ConnectionState.CloseSent:
                return TickDeadline(_closeSentMs + _limits.CloseLingerMs, null);
            case < ConnectionState.Open:
                return TickDeadline(_startedMs + _limits.OpenDeadlineMs, "The connection was not opened in time.");
        }
        var silentUntilMs = _limits.IdleTimeoutMs == 0 ? long.MaxValue : _lastReceivedMs + (2L * _limits.IdleTimeoutMs);
        if (NowMs >= silentUntilMs)
        {
            // AMQP 2.4.5: the silent peer may be gone, so the close is for one that is not.
            Fail(new AmqpException(
                ErrorScope.Connection,
                ErrorCondition.ResourceLimitExceeded,
                $"Nothing was received for {2L * _limits.IdleTimeoutMs} ms."));
            return NowMs + _limits.CloseLingerMs;
        }
        if (_echoesPending)
        {
            _echoesPending = false;
            for (uint channel = 0; channel < _sessionsByLocalChannel.Capacity; channel++)
                _sessionsByLocalChannel[channel]?.AnswerEcho();
        }
        if (HeartbeatMs == 0)
            return silentUntilMs;
        if (NowMs >= _lastSentMs + HeartbeatMs)
        {
            // What waits to be sent says as much as a heartbeat does.
            if (Output.Length == 0)
                FrameWriter.Heartbeat(Output);
            _lastSentMs = NowMs;
        }
        return Math.Min(silentUntilMs, _lastSentMs + HeartbeatMs);
    }

    /// <summary>A session has put off answering an echo until <paramref name="atMs"/>.</summary>
    internal void AnswerEchoesBy(long atMs)
    {
        _echoesPending = true;
        TickBy(atMs);
    }

    private long TickDeadline(long deadlineMs, string? problem)
    {
        if (NowMs < deadlineMs)
            return deadlineMs;
        // A stranger that trickles bytes, or a peer that does not answer our close, is cut without a word.
        State = ConnectionState.Ended;
        ForgetSessions();
        ReportClosed(problem is null
            ? null
            : new AmqpError { Condition = ErrorCondition.ResourceLimitExceeded, Description = problem });
        return long.MaxValue;
    }

    private void OnEmptyFrame()
    {
        if (NowMs - _emptyFramesSinceMs >= RateWindowMs)
            (_emptyFramesSinceMs, _emptyFrames) = (NowMs, 0);
        if (++_emptyFrames > _limits.EmptyFramesPerSecondMax)
        {
            throw new AmqpException(
                ErrorScope.Connection,
                ErrorCondition.ResourceLimitExceeded,
                $"More than {_limits.EmptyFramesPerSecondMax} empty frames came in a second.");
        }
    }

    private void TakeRemoteIdleTimeout(uint? idleTimeoutMs)
    {
        if (idleTimeoutMs is not { } ms || ms == 0)
        {
            // Silent middle boxes drop quiet connections, so a peer that asks for nothing still hears from us.
            SetHeartbeat(_limits.IdleTimeoutMs);
            return;
        }
        if (ms < _limits.RemoteIdleTimeoutMinMs)
        {
            throw new AmqpException(
                ErrorScope.Connection,
                ErrorCondition.NotAllowed,
                $"idle-time-out {ms} ms is below {_limits.RemoteIdleTimeoutMinMs} ms.");
        }
        SetHeartbeat(_limits.IdleTimeoutMs == 0 ? ms : Math.Min(ms, _limits.IdleTimeoutMs));
    }

    private void SetHeartbeat(long silenceMaxMs)
    {
        HeartbeatMs = silenceMaxMs / 2;
        if (HeartbeatMs > 0)
            TickBy(_lastSentMs + HeartbeatMs);
    }
}
