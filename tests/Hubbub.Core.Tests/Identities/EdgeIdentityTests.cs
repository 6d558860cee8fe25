using Hubbub.Core.Identities;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Core.Tests.Identities;

public sealed class EdgeIdentityTests
{
    private readonly MemoryIdentityStore _store = new();
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ValueTask<IdentityRegistry> OpenAsync() => IdentityRegistry.OpenAsync(_store, _time, Cancellation);

    [Fact]
    public async Task EdgeDevice_Created_HasItsModulesAndAScope_AlsoAfterARestart()
    {
        var registry = await OpenAsync();

        var device = (await registry.CreateDeviceAsync(Edge("e1"), Cancellation)).Value;

        Assert.Equal($"ms-azure-iot-edge://e1-{device.GenerationId}", device.DeviceScope);
        Assert.Empty(device.ParentScopes);
        foreach (var reopened in new[] { registry, await OpenAsync() })
        {
            var modules = reopened.ListModules("e1").Value;
            Assert.Equal(["$edgeAgent", "$edgeHub"], modules.Select(m => m.ModuleId));
            Assert.All(modules, m => Assert.True(m.ManagedBy == "iotEdge" && m.Authentication.Keys is not null));
            Assert.Equal(device, reopened.FindDevice("e1")! with { Authentication = device.Authentication });
        }
    }

    [Fact]
    public async Task SystemModules_AreNotChangedByThemselves()
    {
        var registry = await OpenAsync();
        await registry.CreateDeviceAsync(Edge("e1"), Cancellation);
        var wanted = new ModuleDescription { DeviceId = "e1", ModuleId = "$edgeHub" };

        HubError?[] refusals =
        [
            (await registry.CreateModuleAsync(wanted, Cancellation)).Error,
            (await registry.UpdateModuleAsync(wanted, IfMatch.Any, Cancellation)).Error,
            (await registry.DeleteModuleAsync("e1", "$edgeHub", IfMatch.Any, Cancellation)).Error,
        ];

        Assert.All(refusals, e => Assert.Equal(HubErrorCode.SystemModuleModifyUnauthorizedAccess, e?.Code));
        Assert.Equal(2, registry.ListModules("e1").Value.Count);
        Assert.True((await registry.RegenerateKeysAsync("e1", "$edgeHub", KeyChoice.Both, Cancellation)).IsOk);
    }

    [Fact]
    public async Task Scope_OfAnEdgeDevice_IsKeptForLife_AndModulesComeAndGoWithTheCapability()
    {
        var registry = await OpenAsync();
        var scope = (await registry.CreateDeviceAsync(Edge("e1"), Cancellation)).Value.DeviceScope;
        var changes = new List<IdentityChange>();
        using var subscription = registry.Subscribe(changes.Add);

        var updated = await registry.UpdateDeviceAsync(
            Edge("e1") with { DeviceScope = "ms-azure-iot-edge://other-1" }, IfMatch.Any, Cancellation);
        Assert.Equal(scope, updated.Value.DeviceScope);
        await registry.UpdateDeviceAsync(new() { DeviceId = "e1" }, IfMatch.Any, Cancellation);

        Assert.Empty(registry.ListModules("e1").Value);
        Assert.Empty((await OpenAsync()).ListModules("e1").Value);
        Assert.Equal(
            ["$edgeAgent", "$edgeHub"],
            changes.Where(c => c.Kind == IdentityChangeKind.Deleted).Select(c => c.ModuleId).Order());
        await registry.UpdateDeviceAsync(Edge("e1"), IfMatch.Any, Cancellation);
        Assert.Equal(2, (await OpenAsync()).ListModules("e1").Value.Count);
    }

    [Fact]
    public async Task Child_NamesItsParentInEitherPlace_AndAMovedParentKeepsItsScope()
    {
        const string scope = "ms-azure-iot-edge://e1-637000000000000000";
        var registry = await OpenAsync();

        var parent = await registry.CreateDeviceAsync(Edge("e1") with { DeviceScope = scope }, Cancellation);
        var child = await registry.CreateDeviceAsync(new() { DeviceId = "c1", DeviceScope = scope }, Cancellation);

        Assert.Equal(scope, parent.Value.DeviceScope);
        Assert.Equal([scope], child.Value.ParentScopes);
        Assert.Equal(scope, child.Value.DeviceScope);
    }

    [Theory]
    [InlineData(KeyChoice.PrimaryKey, false, true)]
    [InlineData(KeyChoice.SecondaryKey, true, false)]
    [InlineData(KeyChoice.Both, false, false)]
    public async Task Keys_Regenerated_ReplaceWhatWasNamedAndNothingElse(KeyChoice choice, bool first, bool second)
    {
        var registry = await OpenAsync();
        var before = (await registry.CreateDeviceAsync(
            new() { DeviceId = "d1", Status = DeviceStatus.Disabled, StatusReason = "x" }, Cancellation)).Value;

        var after = (await registry.RegenerateKeysAsync("d1", choice, Cancellation)).Value;

        var (old, now) = (before.Authentication.Keys!, after.Authentication.Keys!);
        Assert.Equal((first, second), (old.Primary.Equals(now.Primary), old.Secondary.Equals(now.Secondary)));
        Assert.Equal(before with { ETag = after.ETag, Authentication = after.Authentication }, after);
        Assert.NotEqual(before.ETag, after.ETag);
        Assert.Equal(
            HubErrorCode.DeviceNotFound, (await registry.RegenerateKeysAsync("d2", choice, Cancellation)).Error!.Code);
    }

    [Fact]
    public async Task DevicesAfter_GivesEveryDeviceOnce_InTheOrderOfIds()
    {
        var registry = await OpenAsync();
        string[] ids = ["b", "B", "a", "a1", "z", "_", "9"];
        foreach (var id in ids)
            await registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation);

        var seen = new List<string>();
        while (registry.DevicesAfter(seen.LastOrDefault()).Take(3).Select(d => d.DeviceId).ToArray() is [_, ..] page)
            seen.AddRange(page);

        Assert.Equal(ids.Order(StringComparer.Ordinal), seen);
    }

    [Fact]
    public async Task DevicesAfter_WhileDevicesComeAndGo_IsThatOfTheRegistry()
    {
        var registry = await OpenAsync();
        var random = new Random(4711);
        var there = new SortedSet<string>(StringComparer.Ordinal);
        for (var step = 0; step < 2_000; step++)
        {
            var id = $"d{random.Next(60)}";
            if (there.Remove(id))
                Assert.True((await registry.DeleteDeviceAsync(id, IfMatch.Any, Cancellation)).IsOk);
            else if (there.Add(id))
                Assert.True((await registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation)).IsOk);
            if (random.Next(10) > 0)
                continue;
            var after = random.Next(2) == 0 ? null : $"d{random.Next(60)}";
            Assert.Equal(
                there.Where(x => string.CompareOrdinal(x, after) > 0),
                registry.DevicesAfter(after).Select(d => d.DeviceId));
        }
    }

    private static DeviceDescription Edge(string deviceId) => new() { DeviceId = deviceId, IotEdge = true };
}
