namespace Hubbub.Core.Identities;

// The changes: each one validates, writes durably, then publishes the new record to the index and to the listeners.
public sealed partial class IdentityRegistry
{
    /// <summary>Registers a device; missing keys are generated.</summary>
    /// <returns>The device, or ArgumentInvalid, DeviceAlreadyExists or QuotaExceeded.</returns>
    public ValueTask<HubResult<DeviceIdentity>> CreateDeviceAsync(
        DeviceDescription description, CancellationToken cancellationToken) =>
        description.Validate() is { } invalid
            ? new(invalid)
            : ExclusivelyAsync(
                description.DeviceId, () => CreateAsync(description, cancellationToken), cancellationToken);

    /// <summary>Replaces what callers may set of a device; missing keys are kept.</summary>
    /// <returns>The device, or ArgumentInvalid, DeviceNotFound or PreconditionFailed.</returns>
    public ValueTask<HubResult<DeviceIdentity>> UpdateDeviceAsync(
        DeviceDescription description, IfMatch condition, CancellationToken cancellationToken) =>
        description.Validate() is { } invalid
            ? new(invalid)
            : ExclusivelyAsync(
                description.DeviceId, () => UpdateAsync(description, condition, cancellationToken), cancellationToken);

    /// <summary>Enables or disables a device and leaves the rest as it is.</summary>
    /// <returns>The device, or ArgumentInvalid or DeviceNotFound.</returns>
    public ValueTask<HubResult<DeviceIdentity>> SetStatusAsync(
        string deviceId, DeviceStatus status, string? reason, CancellationToken cancellationToken) =>
        ExclusivelyAsync(
            deviceId,
            async ValueTask<HubResult<DeviceIdentity>> () =>
            {
                if (FindDevice(deviceId) is not { } device)
                    return NotFound(deviceId);
                var wanted = DescriptionOf(device) with { Status = status, StatusReason = reason };
                return wanted.Validate() is { } invalid
                    ? invalid
                    : await UpdateAsync(wanted, IfMatch.Any, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);

    /// <summary>Removes a device with its modules.</summary>
    /// <returns>The device that was, or DeviceNotFound or PreconditionFailed.</returns>
    public ValueTask<HubResult<DeviceIdentity>> DeleteDeviceAsync(
        string deviceId, IfMatch condition, CancellationToken cancellationToken) =>
        ExclusivelyAsync(
            deviceId,
            async ValueTask<HubResult<DeviceIdentity>> () =>
            {
                if (FindDevice(deviceId) is not { } device)
                    return NotFound(deviceId);
                if (Check(condition, device.ETag, "Device") is { } mismatch)
                    return mismatch;
                var write = new IdentityWrite.DeleteDevice(deviceId);
                if (await WriteAsync(write, cancellationToken).ConfigureAwait(false) is { } full)
                    return full;
                _devices.TryRemove(deviceId, out _);
                Interlocked.Decrement(ref _deviceCount);
                Publish(new(IdentityChangeKind.Deleted, deviceId, null, device.GenerationId));
                return device;
            },
            cancellationToken);

    /// <summary>Registers a module; missing keys are generated.</summary>
    /// <returns>
    /// The module, or ArgumentInvalid, DeviceNotFound, ModuleAlreadyExistsOnDevice or TooManyModulesOnDevice.
    /// </returns>
    public ValueTask<HubResult<ModuleIdentity>> CreateModuleAsync(
        ModuleDescription description, CancellationToken cancellationToken) =>
        WhyNotChanged(description) is { } refusal
            ? new(refusal)
            : ExclusivelyAsync(
                description.DeviceId, () => CreateAsync(description, cancellationToken), cancellationToken);

    /// <summary>Replaces what callers may set of a module; missing keys are kept.</summary>
    /// <returns>The module, or ArgumentInvalid, DeviceNotFound, ModuleNotFound or PreconditionFailed.</returns>
    public ValueTask<HubResult<ModuleIdentity>> UpdateModuleAsync(
        ModuleDescription description, IfMatch condition, CancellationToken cancellationToken) =>
        WhyNotChanged(description) is { } refusal
            ? new(refusal)
            : ExclusivelyAsync(
                description.DeviceId, () => UpdateAsync(description, condition, cancellationToken), cancellationToken);

    /// <summary>Removes a module.</summary>
    /// <returns>The module that was, or DeviceNotFound, ModuleNotFound or PreconditionFailed.</returns>
    public ValueTask<HubResult<ModuleIdentity>> DeleteModuleAsync(
        string deviceId, string moduleId, IfMatch condition, CancellationToken cancellationToken) =>
        ExclusivelyAsync(
            deviceId,
            async ValueTask<HubResult<ModuleIdentity>> () =>
            {
                var found = GetModule(deviceId, moduleId);
                if (!found.IsOk)
                    return found;
                if (EdgeIdentities.IsSystemModule(moduleId))
                    return EdgeIdentities.Refuse(deviceId, moduleId);
                if (Check(condition, found.Value.ETag, "Module") is { } mismatch)
                    return mismatch;
                var write = new IdentityWrite.DeleteModule(deviceId, moduleId);
                if (await WriteAsync(write, cancellationToken).ConfigureAwait(false) is { } full)
                    return full;
                _devices[deviceId] = FindEntry(deviceId)!.Without(moduleId);
                Publish(new(IdentityChangeKind.Deleted, deviceId, moduleId, found.Value.GenerationId));
                return found.Value;
            },
            cancellationToken);

    private async ValueTask<HubResult<DeviceIdentity>> CreateAsync(
        DeviceDescription wanted, CancellationToken cancellationToken)
    {
        if (FindEntry(wanted.DeviceId) is not null)
        {
            return new HubError(
                HubErrorCode.DeviceAlreadyExists, $"A device with ID '{wanted.DeviceId}' is already registered.");
        }
        if (Interlocked.Increment(ref _deviceCount) > IdentityLimits.DevicesMax)
        {
            Interlocked.Decrement(ref _deviceCount);
            return new HubError(
                HubErrorCode.QuotaExceeded,
                $"The device '{wanted.DeviceId}' was not registered: there are {IdentityLimits.DevicesMax} already.");
        }
        var created = false;
        try
        {
            var device = Build(wanted, null);
            var entry = WithSystemModules(new DeviceEntry(device, []));
            if (await WriteAsync(WritesOf(null, entry), cancellationToken).ConfigureAwait(false) is { } full)
                return full;
            created = true;
            _devices[device.DeviceId] = entry;
            Publish(new(IdentityChangeKind.Created, device.DeviceId, null, device.GenerationId));
            PublishModules(null, entry);
            return device;
        }
        finally
        {
            if (!created)
                Interlocked.Decrement(ref _deviceCount);
        }
    }

    private async ValueTask<HubResult<DeviceIdentity>> UpdateAsync(
        DeviceDescription wanted, IfMatch condition, CancellationToken cancellationToken)
    {
        if (FindEntry(wanted.DeviceId) is not { Device: var current } entry)
            return NotFound(wanted.DeviceId);
        if (Check(condition, current.ETag, "Device") is { } mismatch)
            return mismatch;
        var device = Build(wanted, current);
        var changed = WithSystemModules(entry with { Device = device });
        if (await WriteAsync(WritesOf(entry, changed), cancellationToken).ConfigureAwait(false) is { } full)
            return full;
        _devices[device.DeviceId] = changed;
        PublishModules(entry, changed);
        if (AuthenticationRules.Revokes(current.Authentication, device.Authentication))
            Publish(new(IdentityChangeKind.CredentialsChanged, device.DeviceId, null, device.GenerationId));
        var kind = device.Status == current.Status ? IdentityChangeKind.Updated
            : device.IsEnabled ? IdentityChangeKind.Enabled
            : IdentityChangeKind.Disabled;
        Publish(new(kind, device.DeviceId, null, device.GenerationId));
        return device;
    }

    private async ValueTask<HubResult<ModuleIdentity>> CreateAsync(
        ModuleDescription wanted, CancellationToken cancellationToken)
    {
        if (FindEntry(wanted.DeviceId) is not { } entry)
            return NotFound(wanted.DeviceId);
        if (entry.FindModule(wanted.ModuleId) is not null)
        {
            return new HubError(
                HubErrorCode.ModuleAlreadyExistsOnDevice,
                $"A module with ID '{wanted.ModuleId}' is already registered on device '{wanted.DeviceId}'.");
        }
        if (entry.Modules.Length >= IdentityLimits.ModulesPerDeviceMax)
        {
            return new HubError(
                HubErrorCode.TooManyModulesOnDevice,
                $"The device '{wanted.DeviceId}' already has {IdentityLimits.ModulesPerDeviceMax} modules.");
        }
        var module = Build(wanted, null);
        if (await WriteAsync(new IdentityWrite.PutModule(module), cancellationToken).ConfigureAwait(false) is { } full)
            return full;
        _devices[module.DeviceId] = entry.With(module);
        Publish(new(IdentityChangeKind.Created, module.DeviceId, module.ModuleId, module.GenerationId));
        return module;
    }

    private async ValueTask<HubResult<ModuleIdentity>> UpdateAsync(
        ModuleDescription wanted, IfMatch condition, CancellationToken cancellationToken)
    {
        var found = GetModule(wanted.DeviceId, wanted.ModuleId);
        if (!found.IsOk)
            return found;
        var current = found.Value;
        if (Check(condition, current.ETag, "Module") is { } mismatch)
            return mismatch;
        var module = Build(wanted, current);
        if (await WriteAsync(new IdentityWrite.PutModule(module), cancellationToken).ConfigureAwait(false) is { } full)
            return full;
        _devices[module.DeviceId] = FindEntry(module.DeviceId)!.With(module);
        var kind = AuthenticationRules.Revokes(current.Authentication, module.Authentication)
            ? IdentityChangeKind.CredentialsChanged
            : IdentityChangeKind.Updated;
        Publish(new(kind, module.DeviceId, module.ModuleId, module.GenerationId));
        return module;
    }

    private DeviceIdentity Build(DeviceDescription wanted, DeviceIdentity? current)
    {
        var generationId = current?.GenerationId ?? NextGeneration();
        var scope = EdgeIdentities.ScopeOf(wanted, current, generationId);
        return new DeviceIdentity
        {
            DeviceId = wanted.DeviceId,
            GenerationId = generationId,
            ETag = NextETag(),
            Status = wanted.Status,
            StatusReason = wanted.StatusReason,
            StatusUpdatedTime = current is not null && current.Status != wanted.Status
                ? _time.GetUtcNow()
                : current?.StatusUpdatedTime,
            Authentication = AuthenticationRules.Complete(wanted.Authentication, current?.Authentication),
            IotEdge = wanted.IotEdge,
            DeviceScope = scope,
            // A child may name its parent in either place.
            ParentScopes = wanted.ParentScopes.IsEmpty && !wanted.IotEdge && scope is not null
                ? [scope]
                : wanted.ParentScopes,
        };
    }

    private ModuleIdentity Build(ModuleDescription wanted, ModuleIdentity? current) => new()
    {
        DeviceId = wanted.DeviceId,
        ModuleId = wanted.ModuleId,
        GenerationId = current?.GenerationId ?? NextGeneration(),
        ETag = NextETag(),
        ManagedBy = wanted.ManagedBy,
        Authentication = AuthenticationRules.Complete(wanted.Authentication, current?.Authentication),
    };

    private static DeviceDescription DescriptionOf(DeviceIdentity device) => new()
    {
        DeviceId = device.DeviceId,
        Status = device.Status,
        StatusReason = device.StatusReason,
        Authentication = device.Authentication,
        IotEdge = device.IotEdge,
        DeviceScope = device.DeviceScope,
        ParentScopes = device.ParentScopes,
    };

    private static HubError? WhyNotChanged(ModuleDescription wanted) =>
        wanted.Validate() ?? (EdgeIdentities.IsSystemModule(wanted.ModuleId)
            ? EdgeIdentities.Refuse(wanted.DeviceId, wanted.ModuleId)
            : null);

    /// <summary>The device with the modules that IoT Edge needs, and without them when it is no Edge device.</summary>
    private DeviceEntry WithSystemModules(DeviceEntry entry)
    {
        foreach (var moduleId in new[] { EdgeIdentities.Agent, EdgeIdentities.Hub })
        {
            var isThere = entry.FindModule(moduleId) is not null;
            if (entry.Device.IotEdge == isThere)
                continue;
            entry = isThere ? entry.Without(moduleId) : entry.With(Build(
                new ModuleDescription
                {
                    DeviceId = entry.Device.DeviceId,
                    ModuleId = moduleId,
                    ManagedBy = EdgeIdentities.ManagedBy,
                },
                null));
        }
        return entry;
    }

    private static List<IdentityWrite> WritesOf(DeviceEntry? before, DeviceEntry after)
    {
        var writes = new List<IdentityWrite> { new IdentityWrite.PutDevice(after.Device) };
        foreach (var (module, isThere) in ModuleChanges(before, after))
        {
            writes.Add(isThere
                ? new IdentityWrite.PutModule(module)
                : new IdentityWrite.DeleteModule(module.DeviceId, module.ModuleId));
        }
        return writes;
    }

    private void PublishModules(DeviceEntry? before, DeviceEntry after)
    {
        foreach (var (module, isThere) in ModuleChanges(before, after))
        {
            var kind = isThere ? IdentityChangeKind.Created : IdentityChangeKind.Deleted;
            Publish(new(kind, module.DeviceId, module.ModuleId, module.GenerationId));
        }
    }

    /// <summary>The modules that one of the two has and the other has not, with whether they are there now.</summary>
    private static IEnumerable<(ModuleIdentity Module, bool IsThere)> ModuleChanges(
        DeviceEntry? before, DeviceEntry after)
    {
        var old = before?.Modules ?? [];
        return after.Modules.Except(old).Select(m => (m, true)).Concat(old.Except(after.Modules).Select(m => (m, false)));
    }

    private ValueTask<HubError?> WriteAsync(IReadOnlyList<IdentityWrite> writes, CancellationToken cancellationToken) =>
        _store.WriteAsync(writes, cancellationToken);

    private ValueTask<HubError?> WriteAsync(IdentityWrite write, CancellationToken cancellationToken) =>
        _store.WriteAsync([write], cancellationToken);
}
