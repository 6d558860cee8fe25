using System.Numerics;

namespace Hubbub.Server.Amqp;

/// <summary>
/// Decides which refusals of one connection are worth a line: the first ones, then ever fewer, for a peer that is
/// refused in a loop must not fill the operator's log.
/// </summary>
internal struct RefusalLog
{
    private int _count;

    /// <summary>Counts a refusal; true when it is to be logged.</summary>
    public bool Count() => ++_count <= HubAmqpLimits.RefusalsLoggedMax || BitOperations.IsPow2(_count);
}
