using System.Runtime.CompilerServices;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>How many transfer frames the peer may still send in a session (AMQP 2.5.6). Arithmetic only.</summary>
public struct IncomingWindow
{
    private const int HistoryMax = 1 << 30;
    private readonly uint _size;
    private uint _firstId;
    private uint _announcedEnd;

    /// <summary>A window of <paramref name="size"/> frames, announced by our begin.</summary>
    public IncomingWindow(uint size, uint remoteNextOutgoingId)
    {
        _size = size;
        NextIncomingId = _firstId = remoteNextOutgoingId;
        _announcedEnd = unchecked(remoteNextOutgoingId + size);
    }

    /// <summary>The transfer-id that the next frame has implicitly.</summary>
    public uint NextIncomingId { get; private set; }

    /// <summary>Frames that the peer may send before it must wait for a flow.</summary>
    public readonly uint Remaining => unchecked(_announcedEnd - NextIncomingId);

    /// <summary>What a flow announces; frames are consumed as they arrive, so it is always the whole window.</summary>
    public readonly uint Size => _size;

    /// <summary>True when a flow should reopen the window.</summary>
    public readonly bool IsLow => Remaining <= _size / 2;

    /// <summary>Counts one transfer frame.</summary>
    /// <returns>False when the peer was not allowed to send it.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake()
    {
        if (NextIncomingId == _announcedEnd)
            return false;
        NextIncomingId = unchecked(NextIncomingId + 1);
        return true;
    }

    /// <summary>Notes that a flow with the whole window is being sent.</summary>
    public void Announced()
    {
        _announcedEnd = unchecked(NextIncomingId + _size);
        // The beginning follows, or its distance would turn negative after 2^31 frames.
        if (SequenceNumber.Distance(NextIncomingId, _firstId) > HistoryMax)
            _firstId = unchecked(NextIncomingId - HistoryMax);
    }

    /// <summary>
    /// AMQP 2.5.6: next-incoming-id follows the peer's next-outgoing-id as a flow tells it; clients exist that count a
    /// delivery of several frames once. The room that is left stays as it is.
    /// </summary>
    /// <returns>False when the peer takes back more than it ever sent.</returns>
    public bool TryRebase(uint remoteNextOutgoingId)
    {
        var moved = SequenceNumber.Distance(remoteNextOutgoingId, NextIncomingId);
        if (moved == 0)
            return true;
        if (SequenceNumber.Distance(remoteNextOutgoingId, _firstId) < 0)
            return false;
        NextIncomingId = remoteNextOutgoingId;
        _announcedEnd = unchecked(_announcedEnd + (uint)moved);
        return true;
    }
}

/// <summary>How many transfer frames this side may still send in a session (AMQP 2.5.6). Arithmetic only.</summary>
public struct OutgoingWindow
{
    private uint _limit;

    /// <summary>A window as the peer's begin announced it.</summary>
    public OutgoingWindow(uint nextOutgoingId, uint remoteIncomingWindow)
    {
        NextOutgoingId = nextOutgoingId;
        Update(nextOutgoingId, remoteIncomingWindow);
    }

    /// <summary>The transfer-id of the next frame.</summary>
    public uint NextOutgoingId { get; private set; }

    /// <summary>Frames that may be sent now.</summary>
    public readonly uint Remaining => _limit;

    /// <summary>Takes the peer's flow into account (AMQP 2.5.6: remote-incoming-window).</summary>
    /// <returns>False when the peer claims to have received transfers that were never sent.</returns>
    public bool Update(uint remoteNextIncomingId, uint remoteIncomingWindow)
    {
        var inFlight = unchecked(NextOutgoingId - remoteNextIncomingId);
        if (SequenceNumber.Distance(remoteNextIncomingId, NextOutgoingId) > 0)
            return false;
        _limit = remoteIncomingWindow > inFlight ? remoteIncomingWindow - inFlight : 0;
        return true;
    }

    /// <summary>Counts one frame; the caller has checked <see cref="Remaining"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take()
    {
        NextOutgoingId = unchecked(NextOutgoingId + 1);
        _limit--;
    }
}
