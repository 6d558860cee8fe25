using Hubbub.Core.Identities.Records;

namespace Hubbub.Core.Identities;

/// <summary>
/// Changes that are stored together. Each operation sees what those before it did; nobody else sees anything until
/// <see cref="Publish"/>. Used under the locks of all devices that it changes.
/// </summary>
internal sealed class IdentityBatch(IdentityIndex index, IKeyProtector protector, IdentityVersions versions)
{
    private readonly Dictionary<string, Draft> _drafts = new(StringComparer.Ordinal);
    private readonly List<int> _deviceNumbers = [];
    private readonly List<int> _moduleNumbers = [];

    /// <summary>What is to be stored, all or nothing.</summary>
    public List<IdentityWrite> Writes { get; } = [];

    /// <summary>What listeners are to be told afterwards.</summary>
    public List<IdentityChange> Changes { get; } = [];

    /// <summary>Does one operation, or refuses it and leaves the batch as it was.</summary>
    public IdentityOutcome Apply(IdentityOperation operation) => operation.Mode switch
    {
        ImportMode.UpdateTwin or ImportMode.UpdateTwinIfMatchETag => Refuse(new(
            HubErrorCode.NotImplemented,
            $"The twin of '{operation.DeviceId}' was not updated: this hub has no twins yet.")),
        ImportMode.Delete or ImportMode.DeleteIfMatchETag =>
            operation.Module is { } module ? Delete(operation, module) : Delete(operation),
        _ => operation.Module is { } module ? Put(operation, module) : Put(operation, operation.Device!),
    };

    /// <summary>Shows what was stored.</summary>
    public void Publish() => index.Apply(Writes);

    /// <summary>Forgets everything, since it was not stored.</summary>
    public void Abandon() => index.Release(_deviceNumbers, _moduleNumbers);

    /// <summary>Replaces what <paramref name="edit"/> changes of a device as it is now.</summary>
    public IdentityOutcome Edit(string deviceId, Func<DeviceIdentity, HubResult<DeviceDescription>> edit)
    {
        var draft = DraftOf(deviceId);
        if (draft.Device is not { } current)
            return Refuse(NotFound(deviceId));
        var wanted = edit(current);
        if ((wanted.Error ?? wanted.Value.Validate()) is { } refusal)
            return Refuse(refusal);
        return Update(draft, current, versions.Update(wanted.Value, current));
    }

    /// <summary>The same for a module, be it one that is not changed otherwise.</summary>
    public IdentityOutcome Edit(
        string deviceId, string moduleId, Func<ModuleIdentity, HubResult<ModuleDescription>> edit)
    {
        var draft = DraftOf(deviceId);
        if (draft.Device is null)
            return Refuse(NotFound(deviceId));
        var modules = ModulesOf(draft);
        var at = modules.FindIndex(m => m.Module.ModuleId == moduleId);
        if (at < 0)
            return Refuse(NotFound(deviceId, moduleId));
        var wanted = edit(modules[at].Module);
        if ((wanted.Error ?? wanted.Value.Validate()) is { } refusal)
            return Refuse(refusal);
        return Update(modules, at, IdentityVersions.Update(wanted.Value, modules[at].Module));
    }

    private IdentityOutcome Put(IdentityOperation operation, DeviceDescription wanted)
    {
        if (wanted.Validate() is { } invalid)
            return Refuse(invalid);
        var draft = DraftOf(wanted.DeviceId);
        if (draft.Device is not { } current)
            return Create(operation, wanted, draft);
        if (operation.Mode == ImportMode.Create)
        {
            return Refuse(new(
                HubErrorCode.DeviceAlreadyExists, $"A device with ID '{wanted.DeviceId}' is already registered."));
        }
        if (Check(operation, current.ETag, "Device") is { } mismatch)
            return Refuse(mismatch);
        var device = versions.Update(wanted, current);
        return operation.IsImport && (device with { ETag = current.ETag }).Equals(current)
            ? new(null, false, current)
            : Update(draft, current, device);
    }

    private IdentityOutcome Update(Draft draft, DeviceIdentity current, DeviceIdentity device)
    {
        Write(draft, device);
        if (current.IotEdge || device.IotEdge)
            ReconcileSystemModules(device, ModulesOf(draft));
        if (AuthenticationRules.Revokes(current.Authentication, device.Authentication))
            Changes.Add(new(IdentityChangeKind.CredentialsChanged, device.DeviceId, null, device.GenerationId));
        var kind = device.Status == current.Status ? IdentityChangeKind.Updated
            : device.IsEnabled ? IdentityChangeKind.Enabled
            : IdentityChangeKind.Disabled;
        Changes.Add(new(kind, device.DeviceId, null, device.GenerationId));
        return new(null, true, device);
    }

    private IdentityOutcome Create(IdentityOperation operation, DeviceDescription wanted, Draft draft)
    {
        if (operation.Mode is ImportMode.Update or ImportMode.UpdateIfMatchETag)
            return Refuse(NotFound(wanted.DeviceId));
        var number = index.ReserveDevice();
        if (number < 0)
        {
            return Refuse(new(
                HubErrorCode.QuotaExceeded,
                $"The device '{wanted.DeviceId}' was not registered: there are {IdentityLimits.DevicesMax} already."));
        }
        _deviceNumbers.Add(number);
        (draft.Number, draft.Modules) = (number, []);
        var device = versions.Create(wanted, operation.NewETag);
        Write(draft, device);
        Changes.Add(new(IdentityChangeKind.Created, device.DeviceId, null, device.GenerationId));
        ReconcileSystemModules(device, draft.Modules);
        return new(null, true, device);
    }

    private IdentityOutcome Delete(IdentityOperation operation)
    {
        var draft = DraftOf(operation.DeviceId);
        if (draft.Device is not { } device)
            return Refuse(NotFound(operation.DeviceId));
        if (Check(operation, device.ETag, "Device") is { } mismatch)
            return Refuse(mismatch);
        foreach (var (number, _) in ModulesOf(draft))
            Writes.Add(new IdentityWrite.DeleteModule(number));
        Writes.Add(new IdentityWrite.DeleteDevice(draft.Number));
        (draft.Device, draft.Modules) = (null, []);
        Changes.Add(new(IdentityChangeKind.Deleted, device.DeviceId, null, device.GenerationId));
        return new(null, true, device);
    }

    private IdentityOutcome Put(IdentityOperation operation, ModuleDescription wanted)
    {
        if (wanted.Validate() is { } invalid)
            return Refuse(invalid);
        var isSystemModule = EdgeIdentities.IsSystemModule(wanted.ModuleId);
        if (isSystemModule && !operation.IsImport)
            return Refuse(EdgeIdentities.Refuse(wanted.DeviceId, wanted.ModuleId));
        var draft = DraftOf(wanted.DeviceId);
        if (draft.Device is null)
            return Refuse(NotFound(wanted.DeviceId));
        var modules = ModulesOf(draft);
        var at = modules.FindIndex(m => m.Module.ModuleId == wanted.ModuleId);
        if (at < 0)
        {
            return isSystemModule
                ? Refuse(EdgeIdentities.Refuse(wanted.DeviceId, wanted.ModuleId))
                : Create(operation, wanted, modules);
        }
        var current = modules[at].Module;
        if (operation.Mode == ImportMode.Create && !isSystemModule)
        {
            return Refuse(new(
                HubErrorCode.ModuleAlreadyExistsOnDevice,
                $"A module with ID '{wanted.ModuleId}' is already registered on device '{wanted.DeviceId}'."));
        }
        if (Check(operation, current.ETag, "Module") is { } mismatch)
            return Refuse(mismatch);
        var module = IdentityVersions.Update(
            isSystemModule ? wanted with { ManagedBy = current.ManagedBy } : wanted, current);
        if (isSystemModule && operation.NewETag is { } etag) // Its creation was a by-product of its device's.
            module = module with { ETag = etag };
        return operation.IsImport && module with { ETag = current.ETag } == current
            ? new(null, false, null, current)
            : Update(modules, at, module);
    }

    private IdentityOutcome Update(
        List<(int Number, ModuleIdentity Module)> modules, int at, ModuleIdentity module)
    {
        var (number, current) = modules[at];
        modules[at] = (number, module);
        Write(number, module);
        var kind = AuthenticationRules.Revokes(current.Authentication, module.Authentication)
            ? IdentityChangeKind.CredentialsChanged
            : IdentityChangeKind.Updated;
        Changes.Add(new(kind, module.DeviceId, module.ModuleId, module.GenerationId));
        return new(null, true, null, module);
    }

    private IdentityOutcome Create(
        IdentityOperation operation, ModuleDescription wanted, List<(int Number, ModuleIdentity Module)> modules)
    {
        if (operation.Mode is ImportMode.Update or ImportMode.UpdateIfMatchETag)
            return Refuse(NotFound(wanted.DeviceId, wanted.ModuleId));
        if (modules.Count >= IdentityLimits.ModulesPerDeviceMax)
        {
            return Refuse(new(
                HubErrorCode.TooManyModulesOnDevice,
                $"The device '{wanted.DeviceId}' already has {IdentityLimits.ModulesPerDeviceMax} modules."));
        }
        return new(null, true, null, Add(wanted, operation.NewETag, modules));
    }

    private ModuleIdentity Add(
        ModuleDescription wanted, string? etag, List<(int Number, ModuleIdentity Module)> modules)
    {
        var number = index.ReserveModule();
        _moduleNumbers.Add(number);
        var module = versions.Create(wanted, etag);
        modules.Add((number, module));
        Write(number, module);
        Changes.Add(new(IdentityChangeKind.Created, module.DeviceId, module.ModuleId, module.GenerationId));
        return module;
    }

    /// <summary>An Edge device has the modules that run it; another one has none of them.</summary>
    private void ReconcileSystemModules(DeviceIdentity device, List<(int Number, ModuleIdentity Module)> modules)
    {
        foreach (var moduleId in EdgeIdentities.SystemModules)
        {
            var at = modules.FindIndex(m => m.Module.ModuleId == moduleId);
            if (device.IotEdge == at >= 0)
                continue;
            if (at >= 0)
                Remove(modules, at);
            else
                Add(EdgeIdentities.Describe(device.DeviceId, moduleId), null, modules);
        }
    }

    private IdentityOutcome Delete(IdentityOperation operation, ModuleDescription which)
    {
        var draft = DraftOf(which.DeviceId);
        if (draft.Device is null)
            return Refuse(NotFound(which.DeviceId));
        var modules = ModulesOf(draft);
        var at = modules.FindIndex(m => m.Module.ModuleId == which.ModuleId);
        if (at < 0)
            return Refuse(NotFound(which.DeviceId, which.ModuleId));
        if (EdgeIdentities.IsSystemModule(which.ModuleId))
            return Refuse(EdgeIdentities.Refuse(which.DeviceId, which.ModuleId));
        var module = modules[at].Module;
        if (Check(operation, module.ETag, "Module") is { } mismatch)
            return Refuse(mismatch);
        Remove(modules, at);
        return new(null, true, null, module);
    }

    private void Remove(List<(int Number, ModuleIdentity Module)> modules, int at)
    {
        var (number, module) = modules[at];
        modules.RemoveAt(at);
        Writes.Add(new IdentityWrite.DeleteModule(number));
        Changes.Add(new(IdentityChangeKind.Deleted, module.DeviceId, module.ModuleId, module.GenerationId));
    }

    private void Write(Draft draft, DeviceIdentity device)
    {
        draft.Device = device;
        var keys = device.Authentication.Protect(protector, new(device.DeviceId, null, device.GenerationId));
        Writes.Add(new IdentityWrite.PutDevice(draft.Number, device, keys));
    }

    private void Write(int number, ModuleIdentity module)
    {
        var keys = module.Authentication.Protect(
            protector, new(module.DeviceId, module.ModuleId, module.GenerationId));
        Writes.Add(new IdentityWrite.PutModule(number, module, keys));
    }

    private Draft DraftOf(string deviceId)
    {
        if (_drafts.TryGetValue(deviceId, out var draft))
            return draft;
        draft = new Draft { Device = index.FindDevice(deviceId, out var number), Number = number };
        _drafts.Add(deviceId, draft);
        return draft;
    }

    private List<(int Number, ModuleIdentity Module)> ModulesOf(Draft draft) =>
        draft.Modules ??= index.ModulesOf(draft.Number);

    private static IdentityOutcome Refuse(HubError error) => new(error);

    internal static HubError NotFound(string deviceId) =>
        new(HubErrorCode.DeviceNotFound, $"The device '{deviceId}' is not registered.");

    internal static HubError NotFound(string deviceId, string moduleId) =>
        new(HubErrorCode.ModuleNotFound, $"The module '{moduleId}' of device '{deviceId}' is not registered.");

    private static HubError? Check(IdentityOperation operation, string etag, string what)
    {
        var isConditional = operation.Mode is ImportMode.CreateOrUpdateIfMatchETag or ImportMode.UpdateIfMatchETag
            or ImportMode.DeleteIfMatchETag;
        return !isConditional || operation.Condition.Matches(etag) ? null : new HubError(
            HubErrorCode.PreconditionFailed,
            $"Precondition failed: {what} version did not match, "
            + $"existingVersion:{etag} newVersion:{operation.Condition}");
    }

    /// <summary>A device as it will be after the operations so far.</summary>
    private sealed class Draft
    {
        public int Number { get; set; }

        public DeviceIdentity? Device { get; set; }

        /// <summary>Read when they are needed.</summary>
        public List<(int Number, ModuleIdentity Module)>? Modules { get; set; }
    }
}
