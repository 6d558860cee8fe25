using System.Collections.Concurrent;
using System.Text;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Storage.State;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Storage.Tests.State;

public sealed class StateStoreTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _time = new(Start);
    private readonly ConcurrentDictionary<string, int> _numbers = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Reopen_AfterEveryKindOfWrite_GivesBackWhatWasWritten()
    {
        var device = Device("d1") with
        {
            Status = DeviceStatus.Disabled,
            StatusReason = "späte Wartung",
            StatusUpdatedTime = Start,
            IotEdge = true,
            DeviceScope = "ms-azure-iot-edge://d1-1",
            ParentScopes = ["ms-azure-iot-edge://parent-2"],
        };
        var x509 = Device("Δ-like%2F'id\"") with
        {
            Authentication = new()
            {
                Type = AuthenticationType.SelfSigned,
                PrimaryThumbprint = new string('A', 40),
                SecondaryThumbprint = new string('B', 40),
            },
        };
        var module = Module("d1", "m1");
        var settings = HubSettings.Create("hub", _time);
        using (var store = StateStore.Open(_directory.Path, _time))
        {
            Assert.Null(await store.WriteAsync(
                [Put(store, device), Put(store, x509), Put(store, module)],
                Cancellation));
            Assert.Null(await store.SaveSettingsAsync(settings, Cancellation));
            Assert.Null(await store.PutConsumerGroupAsync(new("entity", "group", Start), Cancellation));
        }

        using var reopened = StateStore.Open(_directory.Path, _time);
        var snapshot = await LoadedIdentities.OfAsync(reopened, Cancellation);

        Assert.Equal([Text(device), Text(x509)], snapshot.Devices.Select(Text).Order(StringComparer.Ordinal));
        var same = Assert.Single(snapshot.Modules);
        Assert.Equal(module.Authentication.Keys!.Primary.Reveal(), same.Authentication.Keys!.Primary.Reveal());
        Assert.Equal(module with { Authentication = same.Authentication }, same);
        Assert.Equal([new ConsumerGroup("entity", "group", Start)], await reopened.LoadConsumerGroupsAsync(Cancellation));
        var loaded = await reopened.LoadSettingsAsync(Cancellation);
        Assert.NotNull(loaded);
        Assert.Equal(settings.EntityName, loaded.EntityName);
        Assert.Equal(settings.CreatedAt, loaded.CreatedAt);
        Assert.Equal(
            settings.Policies.All.Select(p => (p.Name, p.Rights, p.Keys.Primary.Reveal(), p.Keys.Secondary.Reveal())),
            loaded.Policies.All.Select(p => (p.Name, p.Rights, p.Keys.Primary.Reveal(), p.Keys.Secondary.Reveal())));
    }

    [Fact]
    public async Task Update_OfADevice_KeepsItsModules_UntilTheyAreDeleted()
    {
        using var store = StateStore.Open(_directory.Path, _time);
        await store.WriteAsync(
            [Put(store, Device("d1")), Put(store, Module("d1", "m1"))], Cancellation);
        await store.WriteAsync([Put(store, Device("d1"))], Cancellation);
        Assert.Single((await LoadedIdentities.OfAsync(store, Cancellation)).Modules);

        await store.WriteAsync([new IdentityWrite.DeleteModule(0), new IdentityWrite.DeleteDevice(NumberOf("d1"))], Cancellation);

        var snapshot = await LoadedIdentities.OfAsync(store, Cancellation);
        Assert.Empty(snapshot.Devices);
        Assert.Empty(snapshot.Modules);
    }

    [Fact]
    public async Task Ids_ThatDifferInCaseOnly_AreTwoDevices()
    {
        using var store = StateStore.Open(_directory.Path, _time);
        await store.WriteAsync(
            [Put(store, Device("d1")), Put(store, Device("D1"))], Cancellation);

        var snapshot = await LoadedIdentities.OfAsync(store, Cancellation);

        Assert.Equal(["D1", "d1"], snapshot.Devices.Select(d => d.DeviceId).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task CompletedWrite_IsInTheFiles_BeforeTheStoreIsClosed()
    {
        using var copy = new TemporaryDirectory();
        using var store = StateStore.Open(_directory.Path, _time);
        await store.WriteAsync([Put(store, Device("d1"))], Cancellation);

        // What a killed process leaves behind is exactly these files.
        foreach (var file in Directory.GetFiles(_directory.Path))
            File.Copy(file, copy.File(Path.GetFileName(file)));
        using var recovered = StateStore.Open(copy.Path, _time);

        Assert.Single((await LoadedIdentities.OfAsync(recovered, Cancellation)).Devices);
    }

    [Fact]
    public async Task Files_HoldNoKeyInClear_AndOnlyTheirOwnerMayReadThem()
    {
        var device = Device("d1");
        var settings = HubSettings.Create("hub", _time);
        using var store = StateStore.Open(_directory.Path, _time);
        await store.WriteAsync([Put(store, device)], Cancellation);
        await store.SaveSettingsAsync(settings, Cancellation);

        var keys = settings.Policies.All.Select(p => p.Keys).Append(device.Authentication.Keys!)
            .SelectMany(k => new[] { k.Primary.Reveal(), k.Secondary.Reveal() }).ToArray();
        foreach (var path in Directory.GetFiles(_directory.Path))
        {
            var content = await ReadSharedAsync(path);
            foreach (var key in keys)
            {
                Assert.Equal(-1, content.AsSpan().IndexOf(Encoding.ASCII.GetBytes(key)));
                Assert.Equal(-1, content.AsSpan().IndexOf(Convert.FromBase64String(key)));
            }
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
        // The id proves that the search would have found a key, had there been one.
        Assert.Contains(Directory.GetFiles(_directory.Path), p => Contains(p, "d1"));
    }

    [Theory]
    [InlineData("UPDATE device SET keys = (SELECT keys FROM device WHERE device_id = 'd2') WHERE device_id = 'd1'")]
    [InlineData("UPDATE device SET generation_id = '999999999999999999' WHERE device_id = 'd1'")]
    [InlineData("UPDATE device SET keys = zeroblob(length(keys)) WHERE device_id = 'd1'")]
    [InlineData("UPDATE device SET keys = x'01' WHERE device_id = 'd1'")]
    public async Task Load_WhenAKeyWasMovedOrChanged_NamesTheRecord(string tampering)
    {
        using (var store = StateStore.Open(_directory.Path, _time))
        {
            await store.WriteAsync(
                [Put(store, Device("d1")), Put(store, Device("d2"))], Cancellation);
        }
        Execute(tampering);

        using var reopened = StateStore.Open(_directory.Path, _time);
        var failure = await Assert.ThrowsAsync<StateStoreException>(
            async () => await LoadedIdentities.OfAsync(reopened, Cancellation));
        Assert.Contains("'d1'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WithAMasterKeyThatOthersMayRead_SaysHowToCloseIt()
    {
        if (OperatingSystem.IsWindows())
            return;
        StateStore.Open(_directory.Path, _time).Dispose();
        var file = _directory.File("master.key");
        File.SetUnixFileMode(file, File.GetUnixFileMode(file) | UnixFileMode.GroupRead);

        var failure = Assert.Throws<StateStoreException>(() => StateStore.Open(_directory.Path, _time));

        Assert.Contains("chmod 600", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WithoutOrWithAnotherMasterKey_Refuses()
    {
        StateStore.Open(_directory.Path, _time).Dispose();
        using var other = new TemporaryDirectory();
        StateStore.Open(other.Path, _time).Dispose();

        File.Delete(_directory.File("master.key"));
        var missing = Assert.Throws<StateStoreException>(() => StateStore.Open(_directory.Path, _time));
        Assert.Contains("missing", missing.Message, StringComparison.Ordinal);

        File.Copy(other.File("master.key"), _directory.File("master.key"));
        var wrong = Assert.Throws<StateStoreException>(() => StateStore.Open(_directory.Path, _time));
        Assert.Contains("not the one", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WhenAnotherHasItOpen_Refuses()
    {
        using var store = StateStore.Open(_directory.Path, _time);

        var failure = Assert.Throws<StateStoreException>(() => StateStore.Open(_directory.Path, _time));

        Assert.Contains("another process uses it", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_OfANewerDatabase_Refuses()
    {
        StateStore.Open(_directory.Path, _time).Dispose();
        Execute("INSERT INTO migration (version, applied_ticks) VALUES (99, 0)");

        var failure = Assert.Throws<StateStoreException>(() => StateStore.Open(_directory.Path, _time));

        Assert.Contains("version 99", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_OfAFileThatIsNoDatabase_SaysSo()
    {
        StateStore.Open(_directory.Path, _time).Dispose();
        File.WriteAllText(_directory.File("state.db"), new string('x', 5000));

        var failure = Assert.Throws<StateStoreException>(() => StateStore.Open(_directory.Path, _time));

        Assert.Contains("not a database", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConcurrentWrites_AllCompleteAndAreKept()
    {
        using (var store = StateStore.Open(_directory.Path, _time))
        {
            var results = await Task.WhenAll(Enumerable.Range(0, 500).Select(
                i => store.WriteAsync([Put(store, Device($"d{i}"))], Cancellation).AsTask()));
            Assert.All(results, Assert.Null);
        }
        using var reopened = StateStore.Open(_directory.Path, _time);
        Assert.Equal(500, (await LoadedIdentities.OfAsync(reopened, Cancellation)).Devices.Count);
    }

    [Fact]
    public async Task Write_ThatIsRefused_WritesNothingAndLeavesItsNeighboursAlone()
    {
        using var store = StateStore.Open(_directory.Path, _time);
        // A null where the table wants a text is a bug of the caller; its first record must not stay behind.
        var bad = store.WriteAsync(
            [Put(store, Device("bad")), Put(store, Device("worse") with { ETag = null! })],
            Cancellation).AsTask();
        var good = Enumerable.Range(0, 20).Select(
            i => store.WriteAsync([Put(store, Device($"d{i}"))], Cancellation).AsTask()).ToArray();

        await Assert.ThrowsAsync<SqliteException>(() => bad);
        Assert.All(await Task.WhenAll(good), Assert.Null);
        var snapshot = await LoadedIdentities.OfAsync(store, Cancellation);
        Assert.Equal(20, snapshot.Devices.Count);
        Assert.DoesNotContain(snapshot.Devices, d => d.DeviceId == "bad");
    }

    [Fact]
    public async Task CancelledWrite_HasWrittenNothing()
    {
        using var store = StateStore.Open(_directory.Path, _time);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await store.WriteAsync([Put(store, Device("d1"))], new CancellationToken(true)));

        Assert.Empty((await LoadedIdentities.OfAsync(store, Cancellation)).Devices);
    }

    [Fact]
    public async Task FullDisk_RefusesTheWrite_AndTakesTheNextWhenThereIsRoom()
    {
        using var store = StateStore.Open(_directory.Path, _time);
        await store.WriteAsync([Put(store, Device("d0"))], Cancellation);
        await store.ExecuteAsync("PRAGMA max_page_count=1", Cancellation); // SQLite clamps it to the present size: no page may be added.

        Core.HubError? refusal = null;
        for (var i = 1; i < 200 && refusal is null; i++)
            refusal = await store.WriteAsync([Put(store, Device($"d{i}"))], Cancellation);
        Assert.Equal(Core.HubErrorCode.StorageFull, refusal?.Code);

        await store.ExecuteAsync("PRAGMA max_page_count=1000000", Cancellation);
        Assert.Null(await store.WriteAsync([Put(store, Device("after"))], Cancellation));
        Assert.False(store.Ended.IsCompleted);
    }

    [Fact]
    public async Task FailedDatabase_AcknowledgesNothingMore_AndSaysThatItHasEnded()
    {
        using var store = StateStore.Open(_directory.Path, _time);
        await store.ExecuteAsync("PRAGMA query_only=ON", Cancellation); // As if the disk had gone read-only.

        for (var attempt = 0; attempt < 2; attempt++)
        {
            await Assert.ThrowsAsync<StateStoreException>(
                async () => await store.WriteAsync([Put(store, Device("d1"))], Cancellation));
        }
        var ended = await Assert.ThrowsAsync<StateStoreException>(() => store.Ended);
        Assert.Contains("state.db failed", ended.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Registry_ReopenedFromTheStore_KnowsItsDevicesAndGoesOn()
    {
        using (var store = StateStore.Open(_directory.Path, _time))
        {
            var registry = await IdentityRegistry.OpenAsync(store, _time, Cancellation);
            Assert.True((await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).IsOk);
            Assert.True((await registry.CreateModuleAsync(new() { DeviceId = "d1", ModuleId = "m1" }, Cancellation)).IsOk);
        }
        using var reopened = StateStore.Open(_directory.Path, _time);
        var again = await IdentityRegistry.OpenAsync(reopened, _time, Cancellation);

        Assert.NotNull(again.FindModule("d1", "m1"));
        var second = await again.CreateDeviceAsync(new() { DeviceId = "d2" }, Cancellation);
        // The clock stands still, yet a generation is never given twice.
        Assert.NotEqual(again.FindModule("d1", "m1")!.GenerationId, second.Value.GenerationId);
        Assert.NotEqual(again.FindDevice("d1")!.GenerationId, second.Value.GenerationId);
    }

    private IdentityWrite.PutDevice Put(StateStore store, DeviceIdentity device) => new(
        NumberOf(device.DeviceId),
        device,
        device.Authentication.Keys is { } keys
            ? store.KeyProtector.Protect(keys, new(device.DeviceId, null, device.GenerationId))
            : default);

    private static IdentityWrite.PutModule Put(StateStore store, ModuleIdentity module) => new(
        0,
        module,
        store.KeyProtector.Protect(
            module.Authentication.Keys!, new(module.DeviceId, module.ModuleId, module.GenerationId)));

    private int NumberOf(string deviceId) => _numbers.GetOrAdd(deviceId, _ => _numbers.Count);

    private static DeviceIdentity Device(string id) => new()
    {
        DeviceId = id,
        GenerationId = "639000000000000001",
        ETag = "MTIz",
        Authentication = new() { Keys = SymmetricKeyPair.Generate() },
    };

    private static ModuleIdentity Module(string deviceId, string moduleId) => new()
    {
        DeviceId = deviceId,
        ModuleId = moduleId,
        GenerationId = "639000000000000002",
        ETag = "MTI0",
        ManagedBy = "me",
        Authentication = new() { Keys = SymmetricKeyPair.Generate() },
    };

    private static string Text(DeviceIdentity d) => string.Join(
        '|',
        d.DeviceId,
        d.GenerationId,
        d.ETag,
        d.Status,
        d.StatusReason,
        d.StatusUpdatedTime,
        d.IotEdge,
        d.DeviceScope,
        string.Join(',', d.ParentScopes),
        d.Authentication.Type,
        d.Authentication.Keys?.Primary.Reveal(),
        d.Authentication.Keys?.Secondary.Reveal(),
        d.Authentication.PrimaryThumbprint,
        d.Authentication.SecondaryThumbprint);

    private static async Task<byte[]> ReadSharedAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var content = new MemoryStream();
        await file.CopyToAsync(content, Cancellation);
        return content.ToArray();
    }

    private static bool Contains(string path, string text)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var content = new MemoryStream();
        file.CopyTo(content);
        return content.ToArray().AsSpan().IndexOf(Encoding.ASCII.GetBytes(text)) >= 0;
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_directory.File("state.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.NotEqual(0, command.ExecuteNonQuery());
    }
}
