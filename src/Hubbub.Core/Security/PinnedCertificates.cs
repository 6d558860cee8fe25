using Hubbub.Core.Identities;

namespace Hubbub.Core.Security;

/// <summary>
/// The identities that name a certificate by its thumbprint, found by that: for peers who show a certificate and do not
/// say whose it is. Made when it is first asked for, then kept up with the registry. Safe for concurrent use.
/// </summary>
internal sealed class PinnedCertificates(IdentityRegistry registry)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<IdentityName>> _byThumbprint = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<IdentityName, IdentityAuthentication> _known = [];

    // Only of devices whose modules name certificates; when such a device goes, nobody names its modules.
    private readonly Dictionary<string, List<string>> _modules = new(StringComparer.Ordinal);
    private bool _isLoaded;

    /// <summary>Identities that are kept here.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _known.Count;
        }
    }

    /// <summary>The identities that name this certificate, at most as many as are asked for.</summary>
    public IReadOnlyList<IdentityName> Find(ClientCertificate certificate, int max)
    {
        lock (_gate)
        {
            if (!_isLoaded)
                Load();
            return [.. Named(certificate.Sha256).Concat(Named(certificate.Sha1)).Distinct().Take(max)];
        }
    }

    private List<IdentityName> Named(string thumbprint) =>
        _byThumbprint.TryGetValue(thumbprint, out var names) ? names : [];

    private void Load()
    {
        _isLoaded = true;
        // First the changes, then all there is: what happens in between is seen twice rather than never.
        registry.Subscribe(OnChanged);
        foreach (var (deviceId, moduleId) in registry.SelfSigned)
            Refresh(deviceId, moduleId);
    }

    private void OnChanged(IdentityChange change)
    {
        lock (_gate)
        {
            Refresh(change.DeviceId, change.ModuleId);
            if (change is not { Kind: IdentityChangeKind.Deleted, ModuleId: null })
                return;
            foreach (var moduleId in _modules.GetValueOrDefault(change.DeviceId, []).ToArray())
                Refresh(change.DeviceId, moduleId);
        }
    }

    private void Refresh(string deviceId, string? moduleId) => Set(
        new(deviceId, moduleId),
        moduleId is null
            ? registry.FindDevice(deviceId)?.Authentication
            : registry.FindModule(deviceId, moduleId)?.Authentication);

    private void Set(IdentityName name, IdentityAuthentication? authentication)
    {
        if (_known.Remove(name, out var before))
        {
            Remove(before.PrimaryThumbprint, name);
            Remove(before.SecondaryThumbprint, name);
            RemoveModule(name);
        }
        if (authentication is not { Type: AuthenticationType.SelfSigned })
            return;
        _known[name] = authentication;
        Add(authentication.PrimaryThumbprint, name);
        Add(authentication.SecondaryThumbprint, name);
        AddModule(name);
    }

    private void AddModule(IdentityName name)
    {
        if (name.ModuleId is null)
            return;
        if (!_modules.TryGetValue(name.DeviceId, out var modules))
            _modules[name.DeviceId] = modules = new(1);
        modules.Add(name.ModuleId);
    }

    private void RemoveModule(IdentityName name)
    {
        if (name.ModuleId is null)
            return;
        var modules = _modules[name.DeviceId];
        modules.Remove(name.ModuleId);
        if (modules.Count == 0)
            _modules.Remove(name.DeviceId);
    }

    private void Add(string? thumbprint, IdentityName name)
    {
        if (thumbprint is null)
            return;
        if (!_byThumbprint.TryGetValue(thumbprint, out var names))
            _byThumbprint[thumbprint] = names = new(1);
        names.Add(name);
    }

    private void Remove(string? thumbprint, IdentityName name)
    {
        if (thumbprint is null || !_byThumbprint.TryGetValue(thumbprint, out var names))
            return;
        names.Remove(name);
        if (names.Count == 0)
            _byThumbprint.Remove(thumbprint);
    }
}

/// <summary>A device, or with an id a module of it.</summary>
internal readonly record struct IdentityName(string DeviceId, string? ModuleId);
