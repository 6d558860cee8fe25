using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp;

/// <summary>
/// Tokens refused in a row on one connection. Each pause of <see cref="FailureLimits.IdentityInterval"/> takes one
/// back, so that a device of a gateway that tries now and then does not end the connection of its neighbours. Guarded
/// by the connection's lock.
/// </summary>
internal struct RefusedTokens
{
    private int _count;
    private long _countedAtMs;

    /// <summary>Counts one more.</summary>
    /// <returns>How many there are now, less what was forgiven.</returns>
    public int Add(long nowMs)
    {
        var forgiven = (nowMs - _countedAtMs) / (long)FailureLimits.IdentityInterval.TotalMilliseconds;
        _countedAtMs = nowMs;
        return _count = (int)Math.Max(0, _count - forgiven) + 1;
    }
}
