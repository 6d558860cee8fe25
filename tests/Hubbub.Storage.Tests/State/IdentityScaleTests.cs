using System.Globalization;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Storage.State;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Storage.Tests.State;

/// <summary>Many identities, and those of former versions.</summary>
[Collection<MeasuredAlone>]
public sealed class IdentityScaleTests : IDisposable
{
    private const int VersionBefore = 2;
    private const int Count = 100_000;
    private const int BytesEachMax = 400;

    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task AHundredThousandDevices_TakeLittleMemory_AlsoAfterEachWasChanged()
    {
        await CreateAllAsync();
        using var reopened = StateStore.Open(_directory.Path, _time);
        await reopened.LoadSettingsAsync(Cancellation); // The engine's page cache is the hub's, however many devices it has.
        var before = UsedBytes();
        var again = await IdentityRegistry.OpenAsync(reopened, _time, Cancellation);
        var loaded = (UsedBytes() - before) / Count;
        await ApplyToAllAsync(again, DeviceStatus.Disabled);
        var changed = (UsedBytes() - before) / Count;

        TestContext.Current.SendDiagnosticMessage($"{loaded} bytes each, {changed} after a change");
        Assert.InRange(loaded, 100, BytesEachMax);
        Assert.InRange(changed, 100, BytesEachMax * 3 / 2); // Old versions are given up as new ones come.
        Assert.Equal(Count, again.CountDisabled());
        Assert.NotNull(again.FindDevice(IdOf(77))!.Authentication.Keys);
        Assert.Equal(
            Enumerable.Range(0, Count).Select(IdOf).Order(StringComparer.Ordinal).Take(1_000),
            again.ListDevices(1_000).Select(d => d.DeviceId));
        GC.KeepAlive(again);
    }

    [Fact]
    public async Task ADatabaseOfAFormerVersion_IsOpenedWithEverythingInIt()
    {
        var cipher = new KeyCipher(MasterKey.Load(_directory.File("master.key"), mayCreate: true));
        var keys = SymmetricKeyPair.Generate();
        var (device, module) = (cipher.Encrypt(keys, "device 'd1' of generation 639000000000000007"),
            cipher.Encrypt(keys, "module 'm1' of device 'd1' of generation 639000000000000008"));
        using (var connection = new SqliteConnection($"Data Source={_directory.File("state.db")};Pooling=False"))
        {
            connection.Open();
            StateSchema.Migrate(connection, _time, VersionBefore);
            using var insert = connection.CreateCommand();
            insert.CommandText = """
                INSERT INTO device VALUES ('d1', '639000000000000007', 'MTIz', 1, 'why', 5, 0, $device, NULL, NULL, 1, 's', '["s","t"]');
                INSERT INTO device VALUES ('D0', '639000000000000001', 'MTIz', 0, NULL, NULL, 1, NULL, $thumbprint, NULL, 0, NULL, NULL);
                INSERT INTO module VALUES ('d1', 'm1', '639000000000000008', 'MTI0', 'me', 0, $module, NULL, NULL);
                """;
            insert.Parameters.AddWithValue("$device", device);
            insert.Parameters.AddWithValue("$module", module);
            insert.Parameters.AddWithValue("$thumbprint", new string('A', 40));
            insert.ExecuteNonQuery();
        }

        using var store = StateStore.Open(_directory.Path, _time);
        var registry = await IdentityRegistry.OpenAsync(store, _time, Cancellation);

        Assert.Equal(["D0", "d1"], registry.ListDevices(10).Select(d => d.DeviceId));
        var expected = new DeviceIdentity
        {
            DeviceId = "d1",
            GenerationId = "639000000000000007",
            ETag = "MTIz",
            Status = DeviceStatus.Disabled,
            StatusReason = "why",
            StatusUpdatedTime = new DateTimeOffset(5, TimeSpan.Zero),
            Authentication = new() { Keys = keys },
            IotEdge = true,
            DeviceScope = "s",
            ParentScopes = ["s", "t"],
        };
        Assert.Equal(expected, registry.FindDevice("d1"));
        Assert.Equal(("me", keys), (registry.FindModule("d1", "m1")!.ManagedBy, registry.FindModule("d1", "m1")!.Authentication.Keys));
        Assert.Equal(new string('A', 40), registry.FindDevice("D0")!.Authentication.PrimaryThumbprint);
        Assert.True((await registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation)).IsOk);
        Assert.Null(registry.FindModule("d1", "m1"));
        cipher.Dispose();
    }

    [Theory]
    [InlineData("INSERT INTO device SELECT number + 5, device_id, generation_id, etag, status, authentication_type, iot_edge, keys, "
        + "primary_thumbprint, secondary_thumbprint, status_reason, status_updated_ticks, device_scope, parent_scopes FROM device")]
    public async Task AnIdThatIsStoredTwice_IsTakenForDamage(string tampering)
    {
        using (var store = StateStore.Open(_directory.Path, _time))
        {
            var registry = await IdentityRegistry.OpenAsync(store, _time, Cancellation);
            await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);
            Assert.Null(await store.ExecuteAsync(tampering, Cancellation));
        }

        using var reopened = StateStore.Open(_directory.Path, _time);
        var failure = await Assert.ThrowsAsync<IOException>(
            async () => await IdentityRegistry.OpenAsync(reopened, _time, Cancellation));

        Assert.Contains("'d1'", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>On its own, so that nothing of it is in use any more when memory is measured.</summary>
    private async Task CreateAllAsync()
    {
        using var store = StateStore.Open(_directory.Path, _time);
        var registry = await IdentityRegistry.OpenAsync(store, _time, Cancellation);
        await ApplyToAllAsync(registry, DeviceStatus.Enabled);
        Assert.Equal(Count, registry.DeviceCount);
    }

    private static async Task ApplyToAllAsync(IdentityRegistry registry, DeviceStatus status)
    {
        foreach (var ids in Enumerable.Range(0, Count).Select(IdOf).Chunk(IdentityLimits.BatchMax))
        {
            var outcomes = await registry.ApplyAsync(
                [.. ids.Select(id => new IdentityOperation { Device = new() { DeviceId = id, Status = status } })], Cancellation);
            Assert.All(outcomes, o => Assert.True(o.IsChange));
        }
    }

    private static string IdOf(int i) => string.Create(
        CultureInfo.InvariantCulture, $"device-{unchecked((uint)i * 2_654_435_761u):x8}");

    /// <summary>Managed memory and the engine's own.</summary>
    private static long UsedBytes() => GC.GetTotalMemory(forceFullCollection: true) + SQLitePCL.raw.sqlite3_memory_used();
}
