using Hubbub.Core;
using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp;

/// <summary>
/// One proven identity of a connection. A renewed token takes the place of the old one, so links that stand on it go on
/// without noticing.
/// </summary>
internal sealed class ClaimSlot(Claim claim)
{
    public Claim Claim { get; set; } = claim;

    /// <summary>Why the claim stands no more; null while it does.</summary>
    public HubError? EndedBy { get; set; }

    /// <summary>True when a token proves the same: holder and scope.</summary>
    public bool IsFor(Claim other) =>
        Claim.Kind == other.Kind
        && Claim.DeviceId == other.DeviceId
        && Claim.ModuleId == other.ModuleId
        && string.Equals(Claim.PolicyName, other.PolicyName, StringComparison.OrdinalIgnoreCase)
        && string.Equals(Claim.Scope, other.Scope, StringComparison.Ordinal);
}

/// <summary>What a connection has proven, by SASL or by put-token. Guarded by the connection's lock.</summary>
internal sealed class HubClaims
{
    private readonly List<ClaimSlot> _slots = new(1);

    public int Count => _slots.Count;

    public IReadOnlyList<ClaimSlot> Slots => _slots;

    /// <summary>When the first claim ends; null when there is none that does.</summary>
    public DateTimeOffset? NextEnd
    {
        get
        {
            DateTimeOffset? next = null;
            foreach (var slot in _slots)
            {
                if (slot.Claim.EnforcedAt != DateTimeOffset.MaxValue && (next is null || slot.Claim.EnforcedAt < next))
                    next = slot.Claim.EnforcedAt;
            }
            return next;
        }
    }

    /// <summary>Adds a claim, or renews the one that proves the same.</summary>
    /// <returns>False when the connection holds as many as it may.</returns>
    public bool TryAdd(Claim claim)
    {
        foreach (var slot in _slots)
        {
            if (slot.IsFor(claim))
            {
                slot.Claim = claim;
                return true;
            }
        }
        if (_slots.Count >= HubAmqpLimits.ClaimsMax)
            return false;
        _slots.Add(new ClaimSlot(claim));
        return true;
    }

    public void Remove(ClaimSlot slot) => _slots.Remove(slot);

    /// <summary>The first claim that permits what is asked.</summary>
    public ClaimSlot? Find<TState>(TState state, Func<Claim, TState, bool> permits)
    {
        foreach (var slot in _slots)
        {
            if (permits(slot.Claim, state))
                return slot;
        }
        return null;
    }
}
