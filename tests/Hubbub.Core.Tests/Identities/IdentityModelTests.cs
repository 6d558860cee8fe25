using CsCheck;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Core.Tests.Identities;

/// <summary>Batches of operations against a model of two dictionaries, and against what a restart finds.</summary>
public sealed class IdentityModelTests
{
    private static readonly Gen<(int Device, int Module, ImportMode Mode, bool Enabled)> Step = Gen.Select(
        Gen.Int[0, 4], Gen.Int[-3, 2], Gen.Enum<ImportMode>(), Gen.Bool);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Batches_InAnyOrder_LeaveWhatTheModelHas_AlsoAfterARestart() =>
        await Step.List[1, 12].List[1, 12].SampleAsync(async batches =>
        {
            var store = new MemoryIdentityStore();
            var registry = await IdentityRegistry.OpenAsync(store, new FakeTimeProvider(), Cancellation);
            var (devices, modules) = (new Dictionary<string, bool>(), new HashSet<(string, string)>());
            foreach (var batch in batches)
            {
                var outcomes = await registry.ApplyAsync([.. batch.Select(ToOperation)], Cancellation);
                for (var i = 0; i < batch.Count; i++)
                    Assert.Equal(Expect(devices, modules, ToOperation(batch[i])), outcomes[i].Error?.Code);
            }
            foreach (var current in new[] { registry, await IdentityRegistry.OpenAsync(store, new FakeTimeProvider(), Cancellation) })
            {
                Assert.Equal(devices.Count, current.DeviceCount);
                Assert.Equal(devices.Count(d => !d.Value), current.CountDisabled());
                Assert.Equal(modules.Count, current.ModuleCount);
                Assert.Equal(
                    devices.Keys.Order(StringComparer.Ordinal), current.ListDevices(100).Select(d => d.DeviceId));
                foreach (var id in devices.Keys)
                {
                    Assert.Equal(devices[id], current.FindDevice(id)!.IsEnabled);
                    Assert.NotNull(current.FindDevice(id)!.Authentication.Keys); // Opens: they are this device's.
                    Assert.Equal(
                        modules.Where(m => m.Item1 == id).Select(m => m.Item2).Order(),
                        current.ListModules(id).Value.Select(m => m.ModuleId));
                    Assert.All(current.ListModules(id).Value, m => Assert.NotNull(m.Authentication.Keys));
                }
            }
        });

    [Fact]
    public async Task Batch_ThatTheStoreRefuses_ChangesNothing_AndItsNumbersAreGivenAgain()
    {
        var store = new MemoryIdentityStore();
        var registry = await IdentityRegistry.OpenAsync(store, new FakeTimeProvider(), Cancellation);
        await registry.CreateDeviceAsync(new() { DeviceId = "kept" }, Cancellation);
        IdentityOperation[] batch =
        [
            new() { Device = new() { DeviceId = "d1" } },
            new() { Module = new() { DeviceId = "d1", ModuleId = "m1" } },
            new() { Mode = ImportMode.Delete, Device = new() { DeviceId = "kept" } },
            new() { Mode = ImportMode.Delete, Device = new() { DeviceId = "never" } },
        ];
        store.IsFull = true;

        var refused = await registry.ApplyAsync(batch, Cancellation);

        Assert.Equal(
            [HubErrorCode.StorageFull, HubErrorCode.StorageFull, HubErrorCode.StorageFull, HubErrorCode.DeviceNotFound],
            refused.Select(o => o.Error!.Code));
        Assert.Equal((1, 0), (registry.DeviceCount, registry.ModuleCount));
        store.IsFull = false;
        Assert.Equal(3, (await registry.ApplyAsync(batch, Cancellation)).Count(o => o.IsChange));
        var numbers = store.Writes.OfType<IdentityWrite.PutDevice>().Select(p => p.Number);
        Assert.Equal([0, 1], numbers);
    }

    [Fact]
    public async Task Import_OfWhatIsThereAlready_WritesNothing_AndAnEditedLineGetsANewETag()
    {
        var store = new MemoryIdentityStore();
        var registry = await IdentityRegistry.OpenAsync(store, new FakeTimeProvider(), Cancellation);
        var device = new DeviceDescription
        {
            DeviceId = "d1",
            Authentication = new() { Keys = SymmetricKeyPair.Generate() },
            DeviceScope = "ms-azure-iot-edge://p-1",
        };
        var line = new IdentityOperation { Device = device, IsImport = true, NewETag = "MA==" };

        var first = (await registry.ApplyAsync([line], Cancellation))[0];
        var writes = store.Writes.Count;
        var again = (await registry.ApplyAsync([line, line], Cancellation))[1];

        Assert.True(first.IsChange && !again.IsChange);
        Assert.Equal("MA==", first.Device!.ETag);
        Assert.Equal(first.Device, again.Device);
        Assert.Equal(writes, store.Writes.Count);
        var edited = (await registry.ApplyAsync(
            [line with { Device = device with { StatusReason = "x" } }], Cancellation))[0];
        Assert.NotEqual("MA==", edited.Device!.ETag); // Who read the former state must not overwrite this one.
        Assert.Equal(first.Device.GenerationId, edited.Device.GenerationId);
    }

    [Fact]
    public async Task Import_OfAnEdgeDevicesModules_GivesThemTheirKeys()
    {
        var registry = await IdentityRegistry.OpenAsync(new MemoryIdentityStore(), new FakeTimeProvider(), Cancellation);
        var keys = SymmetricKeyPair.Generate();
        var module = new IdentityOperation
        {
            Module = new() { DeviceId = "e1", ModuleId = "$edgeHub", Authentication = new() { Keys = keys } },
            Mode = ImportMode.Create,
            IsImport = true,
            NewETag = "MQ==",
        };

        var outcomes = await registry.ApplyAsync(
            [module, new() { Device = new() { DeviceId = "e1", IotEdge = true }, IsImport = true }, module], Cancellation);

        Assert.Equal(HubErrorCode.DeviceNotFound, outcomes[0].Error?.Code);
        Assert.Null(outcomes[2].Error);
        var stored = registry.FindModule("e1", "$edgeHub")!;
        Assert.Equal((keys, "MQ==", "iotEdge"), (stored.Authentication.Keys!, stored.ETag, stored.ManagedBy));
    }

    private static IdentityOperation ToOperation((int Device, int Module, ImportMode Mode, bool Enabled) step)
    {
        var deviceId = $"d{step.Device}";
        var operation = new IdentityOperation { Mode = step.Mode, Condition = IfMatch.Parse("never") };
        return step.Module < 0
            ? operation with
            {
                Device = new()
                {
                    DeviceId = deviceId,
                    Status = step.Enabled ? DeviceStatus.Enabled : DeviceStatus.Disabled,
                },
            }
            : operation with { Module = new() { DeviceId = deviceId, ModuleId = $"m{step.Module}" } };
    }

    /// <summary>What the operation is answered; does it to the model.</summary>
    private static HubErrorCode? Expect(
        Dictionary<string, bool> devices, HashSet<(string, string)> modules, IdentityOperation operation)
    {
        if (operation.Mode is ImportMode.UpdateTwin or ImportMode.UpdateTwinIfMatchETag)
            return HubErrorCode.NotImplemented;
        var deviceId = operation.DeviceId;
        var isModule = operation.Module is not null;
        if (isModule && !devices.ContainsKey(deviceId))
            return HubErrorCode.DeviceNotFound;
        var name = (deviceId, operation.Module?.ModuleId ?? "");
        if (!(isModule ? modules.Contains(name) : devices.ContainsKey(deviceId)))
        {
            if (operation.Mode is ImportMode.Update or ImportMode.UpdateIfMatchETag
                or ImportMode.Delete or ImportMode.DeleteIfMatchETag)
                return isModule ? HubErrorCode.ModuleNotFound : HubErrorCode.DeviceNotFound;
        }
        else if (operation.Mode == ImportMode.Create)
        {
            return isModule ? HubErrorCode.ModuleAlreadyExistsOnDevice : HubErrorCode.DeviceAlreadyExists;
        }
        else if (operation.Mode is ImportMode.CreateOrUpdateIfMatchETag or ImportMode.UpdateIfMatchETag
            or ImportMode.DeleteIfMatchETag)
        {
            return HubErrorCode.PreconditionFailed;
        }
        var isDeletion = operation.Mode is ImportMode.Delete;
        if (isModule)
            _ = isDeletion ? modules.Remove(name) : modules.Add(name);
        else if (isDeletion)
            modules.RemoveWhere(m => m.Item1 == deviceId);
        if (!isModule && isDeletion)
            devices.Remove(deviceId);
        else if (!isModule)
            devices[deviceId] = operation.Device!.Status == DeviceStatus.Enabled;
        return null;
    }
}
