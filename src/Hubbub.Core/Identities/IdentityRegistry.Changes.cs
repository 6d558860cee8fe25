namespace Hubbub.Core.Identities;

// The changes. Each one is a batch, mostly of one operation: it is decided under the locks of the devices that it
// changes, stored, then shown to look-ups and told to listeners.
public sealed partial class IdentityRegistry
{
    /// <summary>Registers a device; missing keys are generated.</summary>
    /// <returns>The device, or ArgumentInvalid, DeviceAlreadyExists or QuotaExceeded.</returns>
    public ValueTask<HubResult<DeviceIdentity>> CreateDeviceAsync(
        DeviceDescription description, CancellationToken cancellationToken) =>
        DeviceAsync(new() { Mode = ImportMode.Create, Device = description }, cancellationToken);

    /// <summary>Replaces what callers may set of a device; missing keys are kept.</summary>
    /// <returns>The device, or ArgumentInvalid, DeviceNotFound or PreconditionFailed.</returns>
    public ValueTask<HubResult<DeviceIdentity>> UpdateDeviceAsync(
        DeviceDescription description, IfMatch condition, CancellationToken cancellationToken) =>
        DeviceAsync(
            new() { Mode = ImportMode.UpdateIfMatchETag, Device = description, Condition = condition },
            cancellationToken);

    /// <summary>Removes a device with its modules.</summary>
    /// <returns>The device that was, or DeviceNotFound or PreconditionFailed.</returns>
    public ValueTask<HubResult<DeviceIdentity>> DeleteDeviceAsync(
        string deviceId, IfMatch condition, CancellationToken cancellationToken) =>
        DeviceAsync(
            new()
            {
                Mode = ImportMode.DeleteIfMatchETag,
                Device = new() { DeviceId = deviceId },
                Condition = condition,
            },
            cancellationToken);

    /// <summary>Registers a module; missing keys are generated.</summary>
    /// <returns>
    /// The module, or ArgumentInvalid, DeviceNotFound, ModuleAlreadyExistsOnDevice or TooManyModulesOnDevice.
    /// </returns>
    public ValueTask<HubResult<ModuleIdentity>> CreateModuleAsync(
        ModuleDescription description, CancellationToken cancellationToken) =>
        ModuleAsync(new() { Mode = ImportMode.Create, Module = description }, cancellationToken);

    /// <summary>Replaces what callers may set of a module; missing keys are kept.</summary>
    /// <returns>The module, or ArgumentInvalid, DeviceNotFound, ModuleNotFound or PreconditionFailed.</returns>
    public ValueTask<HubResult<ModuleIdentity>> UpdateModuleAsync(
        ModuleDescription description, IfMatch condition, CancellationToken cancellationToken) =>
        ModuleAsync(
            new() { Mode = ImportMode.UpdateIfMatchETag, Module = description, Condition = condition },
            cancellationToken);

    /// <summary>Removes a module.</summary>
    /// <returns>The module that was, or DeviceNotFound, ModuleNotFound or PreconditionFailed.</returns>
    public ValueTask<HubResult<ModuleIdentity>> DeleteModuleAsync(
        string deviceId, string moduleId, IfMatch condition, CancellationToken cancellationToken) =>
        ModuleAsync(
            new()
            {
                Mode = ImportMode.DeleteIfMatchETag,
                Module = new() { DeviceId = deviceId, ModuleId = moduleId },
                Condition = condition,
            },
            cancellationToken);

    /// <summary>
    /// Does operations in their order; each is refused or done for itself, and all that are done are stored by one
    /// transaction: after a crash all of them are there, or none.
    /// </summary>
    /// <param name="operations">At most <see cref="IdentityLimits.BatchMax"/>.</param>
    /// <returns>What became of each. When the store refuses (a full disk), none was done.</returns>
    public ValueTask<IReadOnlyList<IdentityOutcome>> ApplyAsync(
        IReadOnlyList<IdentityOperation> operations, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(operations.Count, IdentityLimits.BatchMax);
        return ChangeAsync(
            StripesOf(operations),
            batch =>
            {
                var outcomes = new IdentityOutcome[operations.Count];
                for (var i = 0; i < outcomes.Length; i++)
                    outcomes[i] = batch.Apply(operations[i]);
                return outcomes;
            },
            cancellationToken);
    }

    private async ValueTask<HubResult<DeviceIdentity>> DeviceAsync(
        IdentityOperation operation, CancellationToken cancellationToken)
    {
        var outcome = await ChangeAsync(operation.DeviceId, b => b.Apply(operation), cancellationToken)
            .ConfigureAwait(false);
        return outcome.Error is null ? outcome.Device! : outcome.Error;
    }

    private async ValueTask<HubResult<ModuleIdentity>> ModuleAsync(
        IdentityOperation operation, CancellationToken cancellationToken)
    {
        var outcome = await ChangeAsync(operation.DeviceId, b => b.Apply(operation), cancellationToken)
            .ConfigureAwait(false);
        return outcome.Error is null ? outcome.Module! : outcome.Error;
    }

    private async ValueTask<HubResult<DeviceIdentity>> EditAsync(
        string deviceId, Func<DeviceIdentity, HubResult<DeviceDescription>> edit, CancellationToken cancellationToken)
    {
        var outcome = await ChangeAsync(deviceId, b => b.Edit(deviceId, edit), cancellationToken).ConfigureAwait(false);
        return outcome.Error is null ? outcome.Device! : outcome.Error;
    }

    private async ValueTask<HubResult<ModuleIdentity>> EditAsync(
        string deviceId,
        string moduleId,
        Func<ModuleIdentity, HubResult<ModuleDescription>> edit,
        CancellationToken cancellationToken)
    {
        var outcome = await ChangeAsync(deviceId, b => b.Edit(deviceId, moduleId, edit), cancellationToken)
            .ConfigureAwait(false);
        return outcome.Error is null ? outcome.Module! : outcome.Error;
    }

    private async ValueTask<IdentityOutcome> ChangeAsync(
        string deviceId, Func<IdentityBatch, IdentityOutcome> decide, CancellationToken cancellationToken) =>
        (await ChangeAsync([_locks[StripeOf(deviceId)]], b => [decide(b)], cancellationToken).ConfigureAwait(false))[0];

    private async ValueTask<IReadOnlyList<IdentityOutcome>> ChangeAsync(
        SemaphoreSlim[] stripes, Func<IdentityBatch, IdentityOutcome[]> decide, CancellationToken cancellationToken)
    {
        var held = 0;
        try
        {
            for (; held < stripes.Length; held++)
                await stripes[held].WaitAsync(cancellationToken).ConfigureAwait(false);
            var batch = new IdentityBatch(_index, _store.KeyProtector, _versions);
            var outcomes = decide(batch);
            if (await CommitAsync(batch, cancellationToken).ConfigureAwait(false) is { } refusal)
            {
                for (var i = 0; i < outcomes.Length; i++)
                    outcomes[i] = outcomes[i].IsChange ? new(refusal) : outcomes[i];
            }
            return outcomes;
        }
        finally
        {
            while (held > 0)
                stripes[--held].Release();
        }
    }

    private async ValueTask<HubError?> CommitAsync(IdentityBatch batch, CancellationToken cancellationToken)
    {
        if (batch.Writes.Count == 0)
            return null;
        var isStored = false;
        try
        {
            if (await _store.WriteAsync(batch.Writes, cancellationToken).ConfigureAwait(false) is { } refusal)
                return refusal;
            isStored = true;
            batch.Publish();
        }
        finally
        {
            if (!isStored)
                batch.Abandon();
        }
        foreach (var change in batch.Changes)
            Publish(change);
        return null;
    }

    /// <summary>The locks of all devices that are changed, in the one order in which they may be taken.</summary>
    private SemaphoreSlim[] StripesOf(IReadOnlyList<IdentityOperation> operations)
    {
        Span<bool> isNeeded = stackalloc bool[Stripes];
        for (var i = 0; i < operations.Count; i++)
            isNeeded[StripeOf(operations[i].DeviceId)] = true;
        List<SemaphoreSlim> stripes = [];
        for (var i = 0; i < Stripes; i++)
        {
            if (isNeeded[i])
                stripes.Add(_locks[i]);
        }
        return [.. stripes];
    }

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

    private static int StripeOf(string deviceId) =>
        (int)((uint)string.GetHashCode(deviceId, StringComparison.Ordinal) % Stripes);
}
