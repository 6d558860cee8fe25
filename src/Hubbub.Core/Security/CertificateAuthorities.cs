using System.Collections.Immutable;

namespace Hubbub.Core.Security;

/// <summary>
/// The certificate authorities whose devices the hub believes. Safe for concurrent use; a change is durable before it
/// is visible, and what was proven by one that is removed ends at once.
/// </summary>
public sealed class CertificateAuthorities : IDisposable
{
    private readonly ICertificateStore? _store;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _change = new(1, 1);
    private ImmutableArray<CertificateAuthority> _all;
    private ImmutableArray<Action> _listeners = [];

    private CertificateAuthorities(
        ICertificateStore? store, TimeProvider time, ImmutableArray<CertificateAuthority> all) =>
        (_store, _time, _all) = (store, time, all);

    /// <summary>All authorities, in the order in which they were added.</summary>
    public ImmutableArray<CertificateAuthority> All => _all;

    /// <summary>A hub that trusts no authority.</summary>
    public static CertificateAuthorities None(TimeProvider time) => new(null, time, []);

    /// <summary>Loads the authorities.</summary>
    public static async ValueTask<CertificateAuthorities> OpenAsync(
        ICertificateStore store, TimeProvider time, CancellationToken cancellationToken) =>
        new(store, time, [.. await store.LoadAuthoritiesAsync(cancellationToken).ConfigureAwait(false)]);

    /// <summary>The authority of that name, or CertificateNotFound.</summary>
    public HubResult<CertificateAuthority> Get(string name) => Find(name) is { } found ? found : NotFound(name);

    /// <summary>Adds an authority; when the same one is there already under this name, nothing changes.</summary>
    /// <param name="name">How it is to be called.</param>
    /// <param name="certificate">One certificate, DER.</param>
    /// <param name="cancellationToken">Cancels the wait; what is already being written is written.</param>
    /// <returns>
    /// The authority, or ArgumentInvalid, or InvalidOperation for a name or certificate in use, or QuotaExceeded.
    /// </returns>
    public async ValueTask<HubResult<CertificateAuthority>> AddAsync(
        string name, byte[] certificate, CancellationToken cancellationToken)
    {
        var created = CertificateAuthority.Create(name, certificate, _time.GetUtcNow());
        if (!created.IsOk)
            return created;
        var authority = created.Value;
        await _change.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var other = Find(name) ?? _all.FirstOrDefault(each => each.Thumbprint == authority.Thumbprint);
            if (other is not null)
            {
                if (other.Thumbprint == authority.Thumbprint && IsNamed(other, name))
                    return other;
                return new HubError(
                    HubErrorCode.InvalidOperation,
                    IsNamed(other, name)
                        ? $"There is another CA certificate '{other.Name}'; remove it first, or use another name."
                        : $"This CA certificate is there already, as '{other.Name}'.");
            }
            if (_all.Length >= SecurityLimits.AuthoritiesMax || _store is null)
            {
                return new HubError(
                    HubErrorCode.QuotaExceeded,
                    $"The CA certificate '{name}' was not added: {SecurityLimits.AuthoritiesMax} are the maximum.");
            }
            if (await _store.PutAuthorityAsync(authority, cancellationToken).ConfigureAwait(false) is { } full)
                return full;
            _all = _all.Add(authority);
            Publish();
            return authority;
        }
        finally
        {
            _change.Release();
        }
    }

    /// <summary>Removes an authority; whoever was proven by it is not any more.</summary>
    /// <returns>The authority that was, or CertificateNotFound.</returns>
    public async ValueTask<HubResult<CertificateAuthority>> RemoveAsync(
        string name, CancellationToken cancellationToken)
    {
        await _change.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Find(name) is not { } authority)
                return NotFound(name);
            if (await _store!.DeleteAuthorityAsync(authority, cancellationToken).ConfigureAwait(false) is { } full)
                return full;
            _all = _all.Remove(authority);
            Publish();
            return authority;
        }
        finally
        {
            _change.Release();
        }
    }

    /// <summary>
    /// Calls <paramref name="listener"/> after each change, and when chains were forgotten; it must return at once.
    /// </summary>
    public void OnChanged(Action listener) =>
        ImmutableInterlocked.Update(ref _listeners, (all, added) => all.Add(added), listener);

    public void Dispose() => _change.Dispose();

    /// <summary>What lies between the authorities and the certificates that they have proven.</summary>
    internal KnownChains Chains { get; } = new();

    /// <summary>True while the hub trusts the authority of that thumbprint.</summary>
    internal bool Contains(string thumbprint)
    {
        foreach (var authority in _all)
        {
            if (authority.Thumbprint == thumbprint)
                return true;
        }
        return false;
    }

    /// <summary>Keeps what lay between a certificate and an authority.</summary>
    internal void Remember(byte[] leaf, byte[][] between)
    {
        if (!Chains.Remember(leaf, between))
            Publish();
    }

    private void Publish()
    {
        foreach (var listener in _listeners)
            listener();
    }

    private CertificateAuthority? Find(string name)
    {
        foreach (var authority in _all)
        {
            if (IsNamed(authority, name))
                return authority;
        }
        return null;
    }

    private static bool IsNamed(CertificateAuthority authority, string name) =>
        authority.Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static HubError NotFound(string name)
    {
        var shown = name.Length <= SecurityLimits.NameLengthMax ? name : name[..SecurityLimits.NameLengthMax] + "...";
        return new HubError(HubErrorCode.CertificateNotFound, $"There is no CA certificate '{shown}'.");
    }
}
