using System.Collections.Immutable;
using Hubbub.Core.Identities;

namespace Hubbub.Core.Security;

/// <summary>Which key of a pair.</summary>
public enum KeySlot
{
    Primary,
    Secondary,
}

/// <summary>
/// The hub's shared access policies and their changes. Safe for concurrent use; a change is durable before it is
/// visible, and what a key that is gone had proven ends at once.
/// </summary>
public sealed class PolicyRegistry(IHubSettingsStore store, HubSettings settings) : IDisposable
{
    private readonly SemaphoreSlim _change = new(1, 1);
    private volatile HubSettings _settings = settings;
    private ImmutableArray<Action> _listeners = [];

    /// <summary>The hub's settings with the policies as they are now.</summary>
    public HubSettings Settings => _settings;

    /// <summary>The policies as they are now.</summary>
    public AccessPolicies Current => _settings.Policies;

    /// <summary>The policy of that name, or EntityNotFound.</summary>
    public HubResult<AccessPolicy> Get(string name) => Current.Find(name) is { } policy ? policy : NotFound(name);

    /// <summary>Adds a policy with two fresh keys.</summary>
    /// <returns>The policy, or ArgumentInvalid, InvalidOperation for a name in use, or QuotaExceeded.</returns>
    public ValueTask<HubResult<AccessPolicy>> AddAsync(
        string name, AccessRights rights, CancellationToken cancellationToken) =>
        ChangeAsync(
            policies =>
            {
                if (WhyInvalid(name, rights) is { } problem)
                    return new HubError(
                        HubErrorCode.ArgumentInvalid, $"The policy '{Shorten(name)}' is not valid: {problem}.");
                if (policies.Find(name) is { } other)
                {
                    return new HubError(
                        HubErrorCode.InvalidOperation,
                        $"There is a policy '{other.Name}' already; remove it first, or use another name.");
                }
                if (WhyFull(policies, rights) is { } full)
                    return new HubError(HubErrorCode.QuotaExceeded, $"The policy '{name}' was not added: {full}.");
                var policy = new AccessPolicy(name, rights, SymmetricKeyPair.Generate());
                return (policies.All.Add(policy), policy);
            },
            cancellationToken);

    /// <summary>Removes a policy; whoever holds one of its keys is locked out at once.</summary>
    /// <returns>The policy that was, or EntityNotFound, or InvalidOperation for the owner's.</returns>
    public ValueTask<HubResult<AccessPolicy>> RemoveAsync(string name, CancellationToken cancellationToken) =>
        ChangeAsync(
            policies =>
            {
                if (policies.Find(name) is not { } policy)
                    return NotFound(name);
                if (policy.Name.Equals(AccessPolicies.Owner, StringComparison.OrdinalIgnoreCase))
                {
                    return new HubError(
                        HubErrorCode.InvalidOperation,
                        $"The policy '{policy.Name}' cannot be removed, for nobody could manage the hub any more. "
                        + "Regenerate its keys instead.");
                }
                return (policies.All.Remove(policy), policy);
            },
            cancellationToken);

    /// <summary>Replaces one key of a policy; the other stays as it is, so that its holders notice nothing.</summary>
    /// <returns>The policy with its new key, or EntityNotFound.</returns>
    public ValueTask<HubResult<AccessPolicy>> RegenerateAsync(
        string name, KeySlot slot, CancellationToken cancellationToken) =>
        ChangeAsync(
            policies =>
            {
                if (policies.Find(name) is not { } policy)
                    return NotFound(name);
                var fresh = SymmetricKey.Generate();
                var changed = policy with
                {
                    Keys = slot == KeySlot.Primary
                        ? policy.Keys with { Primary = fresh }
                        : policy.Keys with { Secondary = fresh },
                };
                return (policies.All.Replace(policy, changed), changed);
            },
            cancellationToken);

    /// <summary>
    /// Calls <paramref name="listener"/> after each change, before the changing call returns; it must return soon and
    /// not throw.
    /// </summary>
    public void OnChanged(Action listener) =>
        ImmutableInterlocked.Update(ref _listeners, (all, added) => all.Add(added), listener);

    public void Dispose() => _change.Dispose();

    private async ValueTask<HubResult<AccessPolicy>> ChangeAsync(
        Func<AccessPolicies, HubResult<(ImmutableArray<AccessPolicy> All, AccessPolicy Changed)>> change,
        CancellationToken cancellationToken)
    {
        await _change.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var outcome = change(Current);
            if (!outcome.IsOk)
                return outcome.Error!;
            var settings = _settings with { Policies = new AccessPolicies(outcome.Value.All) };
            if (await store.SaveSettingsAsync(settings, cancellationToken).ConfigureAwait(false) is { } full)
                return full;
            _settings = settings;
            foreach (var listener in _listeners)
                listener();
            return outcome.Value.Changed;
        }
        finally
        {
            _change.Release();
        }
    }

    private static string? WhyInvalid(string name, AccessRights rights)
    {
        if (!AccessPolicy.IsValidName(name))
            return $"its name is not 1 to {SecurityLimits.NameLengthMax} ASCII letters, digits or . _ - @";
        const AccessRights All = AccessRights.RegistryWrite | AccessRights.ServiceConnect | AccessRights.DeviceConnect;
        // Bit 2 alone would be writing without reading, which the service does not have.
        if (rights == AccessRights.None || (rights & ~All) != 0 || ((int)rights & 3) == 2)
            return "it needs one or more of the rights RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect";
        return null;
    }

    private static string? WhyFull(AccessPolicies policies, AccessRights rights)
    {
        if (policies.All.Length >= SecurityLimits.PoliciesMax)
            return $"{SecurityLimits.PoliciesMax} policies are the maximum";
        return rights.HasFlag(AccessRights.ServiceConnect)
            && policies.All.Count(policy => policy.Allows(AccessRights.ServiceConnect))
                >= SecurityLimits.ServicePoliciesMax
                ? $"{SecurityLimits.ServicePoliciesMax} policies with ServiceConnect are the maximum"
                : null;
    }

    private static HubError NotFound(string name) =>
        new(HubErrorCode.EntityNotFound, $"There is no policy '{Shorten(name)}'.");

    private static string Shorten(string name) =>
        name.Length <= SecurityLimits.NameLengthMax ? name : name[..SecurityLimits.NameLengthMax] + "...";
}
