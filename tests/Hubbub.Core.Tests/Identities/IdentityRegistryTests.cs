using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Core.Tests.Identities;

public sealed class IdentityRegistryTests
{
    private readonly MemoryIdentityStore _store = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly List<IdentityChange> _changes = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Create_WithoutKeys_GivesTwoRandomOnesOf32Bytes()
    {
        var registry = await OpenAsync();

        var device = (await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value;

        var keys = device.Authentication.Keys!;
        Assert.Equal(44, keys.Primary.Reveal().Length);
        Assert.NotEqual(keys.Primary.Reveal(), keys.Secondary.Reveal());
        Assert.Matches("^[0-9]{18}$", device.GenerationId);
        Assert.Matches("^[0-9]{9}$", System.Text.Encoding.ASCII.GetString(Convert.FromBase64String(device.ETag)));
        Assert.True(device.IsEnabled);
        Assert.Equal(device, registry.FindDevice("d1"));
        Assert.Equal(1, registry.DeviceCount);
        Assert.Equal([IdentityChangeKind.Created], _changes.Select(c => c.Kind));
    }

    [Fact]
    public async Task Create_OfAnIdThatExists_ConflictsAndChangesNothing()
    {
        var registry = await OpenAsync();
        var first = (await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value;

        var second = await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);

        Assert.Equal(HubErrorCode.DeviceAlreadyExists, second.Error?.Code);
        Assert.Equal("A device with ID 'd1' is already registered.", second.Error?.Message);
        Assert.Equal(first, registry.FindDevice("d1"));
        Assert.Equal(1, registry.DeviceCount);
    }

    [Fact]
    public async Task Create_OfTheSameIdAtOnce_SucceedsOnce()
    {
        var registry = await OpenAsync();
        var gate = new TaskCompletionSource();
        _store.Gate = gate.Task;

        var attempts = Enumerable.Range(0, 8)
            .Select(_ => registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation).AsTask()).ToArray();
        Assert.Null(registry.FindDevice("d1")); // Not visible before it is durable.
        gate.SetResult();
        var results = await Task.WhenAll(attempts);

        Assert.Single(results, r => r.IsOk);
        Assert.Single(_store.Writes);
        Assert.Equal(1, registry.DeviceCount);
    }

    [Fact]
    public async Task Create_WhenTheDiskIsFull_IsRefusedAndLeavesNothing()
    {
        var registry = await OpenAsync();
        _store.IsFull = true;

        var refused = await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);

        Assert.Equal(HubErrorCode.StorageFull, refused.Error?.Code);
        Assert.Null(registry.FindDevice("d1"));
        Assert.Equal(0, registry.DeviceCount);
        Assert.Empty(_changes);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a\0")]
    [InlineData("a\"b")]
    [InlineData("a<b")]
    [InlineData("naïve")]
    [InlineData("dev\u0456ce")] // A Cyrillic look-alike.
    public async Task Create_OfAnIdBeyondTheAlphabet_IsRefused(string id)
    {
        var registry = await OpenAsync();

        var refused = await registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation);

        Assert.Equal(HubErrorCode.ArgumentInvalid, refused.Error?.Code);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("...")]
    [InlineData("%2F")]
    [InlineData("%2e%2e")]
    [InlineData("AZaz09-:.+%_#*?!(),=@;$'")]
    public async Task Create_OfEveryIdOfTheAlphabet_IsFoundByItsOwnSpellingOnly(string id)
    {
        var registry = await OpenAsync();

        Assert.True((await registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation)).IsOk);

        Assert.Equal(id, registry.FindDevice(id)?.DeviceId);
        Assert.Null(registry.FindDevice(id + "x"));
        if (id.Any(char.IsAsciiLetterLower))
            Assert.Null(registry.FindDevice(id.ToUpperInvariant()));
    }

    [Fact]
    public void IdLength_Is128AtMost()
    {
        Assert.True(IdentityId.IsValid(new string('a', 128)));
        Assert.False(IdentityId.IsValid(new string('a', 129)));
    }

    [Theory]
    [InlineData("*", true)]
    [InlineData("\"*\"", true)]
    [InlineData("{0}", true)]
    [InlineData("\"{0}\"", true)]
    [InlineData("W/\"{0}\"", true)]
    [InlineData(" \"{0}\" ", true)]
    [InlineData("\"{0}x\"", false)]
    [InlineData("", false)]
    public async Task Update_UnderEachSpellingOfTheCondition_MatchesTheETag(string condition, bool isMatch)
    {
        var registry = await OpenAsync();
        var device = (await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value;
        var header = string.Format(System.Globalization.CultureInfo.InvariantCulture, condition, device.ETag);

        var updated = await registry.UpdateDeviceAsync(new() { DeviceId = "d1" }, IfMatch.Parse(header), Cancellation);

        Assert.Equal(isMatch, updated.IsOk);
        Assert.Equal(isMatch ? null : HubErrorCode.PreconditionFailed, updated.Error?.Code);
        if (isMatch)
            Assert.NotEqual(device.ETag, updated.Value.ETag);
        else
            Assert.Contains($"existingVersion:{device.ETag}", updated.Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Update_WithoutKeys_KeepsThem_AndTheGeneration()
    {
        var registry = await OpenAsync();
        var before = (await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value;

        var after = (await registry.UpdateDeviceAsync(
            new() { DeviceId = "d1", StatusReason = "why" }, IfMatch.Any, Cancellation)).Value;

        Assert.Equal(before.Authentication.Keys, after.Authentication.Keys);
        Assert.Equal(before.GenerationId, after.GenerationId);
        Assert.Equal("why", after.StatusReason);
        Assert.Null(after.StatusUpdatedTime);
        Assert.Equal(IdentityChangeKind.Updated, _changes[^1].Kind);
    }

    [Fact]
    public async Task SetStatus_TellsListenersAndDatesTheChange()
    {
        var registry = await OpenAsync();
        await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);
        _time.Advance(TimeSpan.FromHours(1));

        var disabled = (await registry.UpdateDeviceAsync(
            new() { DeviceId = "d1", Status = DeviceStatus.Disabled, StatusReason = "lost" }, IfMatch.Any, Cancellation)).Value;
        await registry.UpdateDeviceAsync(
            new() { DeviceId = "d1", Status = DeviceStatus.Enabled }, IfMatch.Any, Cancellation);

        Assert.Equal(_time.GetUtcNow(), disabled.StatusUpdatedTime);
        Assert.Equal("lost", disabled.StatusReason);
        Assert.Equal(
            [IdentityChangeKind.Created, IdentityChangeKind.Disabled, IdentityChangeKind.Enabled],
            _changes.Select(c => c.Kind));
    }

    [Fact]
    public async Task ReplacedKey_IsToldToListeners_SwappedKeysAreNot()
    {
        var registry = await OpenAsync();
        var device = (await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value;
        var (primary, secondary) = device.Authentication.Keys!;

        await UpdateKeysAsync(registry, new SymmetricKeyPair(secondary, primary));
        Assert.DoesNotContain(_changes, c => c.Kind == IdentityChangeKind.CredentialsChanged);

        await UpdateKeysAsync(registry, new SymmetricKeyPair(SymmetricKey.Generate(), primary));
        Assert.Single(_changes, c => c.Kind == IdentityChangeKind.CredentialsChanged);
    }

    [Fact]
    public async Task Recreate_AfterDelete_GivesANewGenerationAndETag_EvenWhenTheClockStandsStill()
    {
        var registry = await OpenAsync();
        var first = (await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value;
        await registry.CreateModuleAsync(new() { DeviceId = "d1", ModuleId = "m1" }, Cancellation);

        Assert.True((await registry.DeleteDeviceAsync("d1", IfMatch.Parse(first.ETag), Cancellation)).IsOk);
        Assert.Null(registry.FindDevice("d1"));
        var second = (await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value;

        Assert.NotEqual(first.GenerationId, second.GenerationId);
        Assert.Null(registry.FindModule("d1", "m1")); // Modules go with their device.
        Assert.Equal(new IdentityChange(IdentityChangeKind.Deleted, "d1", null, first.GenerationId), _changes[^2]);
        var stale = await registry.DeleteDeviceAsync("d1", IfMatch.Parse(first.ETag), Cancellation);
        Assert.Equal(HubErrorCode.PreconditionFailed, stale.Error?.Code);
    }

    [Fact]
    public async Task Modules_HaveTheirOwnKeysAndETags_AndAreCounted()
    {
        var registry = await OpenAsync();
        var orphan = await registry.CreateModuleAsync(new() { DeviceId = "d1", ModuleId = "m1" }, Cancellation);
        Assert.Equal(HubErrorCode.DeviceNotFound, orphan.Error?.Code);

        var device = (await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value;
        for (var i = 0; i < IdentityLimits.ModulesPerDeviceMax; i++)
            Assert.True((await registry.CreateModuleAsync(new() { DeviceId = "d1", ModuleId = $"m{i:00}" }, Cancellation)).IsOk);

        var tooMany = await registry.CreateModuleAsync(new() { DeviceId = "d1", ModuleId = "more" }, Cancellation);
        Assert.Equal(HubErrorCode.TooManyModulesOnDevice, tooMany.Error?.Code);
        var twice = await registry.CreateModuleAsync(new() { DeviceId = "d1", ModuleId = "m00" }, Cancellation);
        Assert.Equal(HubErrorCode.ModuleAlreadyExistsOnDevice, twice.Error?.Code);
        var module = registry.FindModule("d1", "m00")!;
        Assert.NotEqual(device.Authentication.Keys, module.Authentication.Keys);

        Assert.True((await registry.DeleteModuleAsync("d1", "m00", IfMatch.Any, Cancellation)).IsOk);
        Assert.Equal(HubErrorCode.ModuleNotFound, registry.GetModule("d1", "m00").Error?.Code);
        Assert.Equal("m01", registry.ListModules("d1").Value[0].ModuleId);
        Assert.Equal(device, registry.FindDevice("d1"));
    }

    [Fact]
    public async Task List_IsInTheOrderOfIds_AndCutAtTop()
    {
        var registry = await OpenAsync();
        foreach (var id in new[] { "b", "A", "c", "a" })
            await registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation);

        Assert.Equal(["A", "a", "b"], registry.ListDevices(3).Select(d => d.DeviceId));
    }

    [Theory]
    [InlineData(40, 0, true)]
    [InlineData(64, 64, true)]
    [InlineData(40, 64, false)]
    [InlineData(39, 0, false)]
    [InlineData(0, 40, false)]
    public async Task SelfSigned_NeedsThumbprintsOfOneKind(int primary, int secondary, bool isValid)
    {
        var registry = await OpenAsync();
        var created = await registry.CreateDeviceAsync(
            new()
            {
                DeviceId = "d1",
                Authentication = new()
                {
                    Type = AuthenticationType.SelfSigned,
                    PrimaryThumbprint = primary == 0 ? null : new string('A', primary),
                    SecondaryThumbprint = secondary == 0 ? null : new string('b', secondary),
                },
            },
            Cancellation);

        Assert.Equal(isValid, created.IsOk);
        if (isValid)
            Assert.Null(created.Value.Authentication.Keys);
    }

    [Fact]
    public async Task Presence_FollowsTheLinks_AndIsForgottenWithTheDevice()
    {
        var registry = await OpenAsync();
        await registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation);
        using var presence = new DevicePresence(registry, _time);
        Assert.Equal(default, presence.StateOf("d1", null));

        var first = presence.Connect("d1", null);
        var connectedAt = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromMinutes(1));
        var second = presence.Connect("d1", null);
        Assert.Equal(new PresenceState(true, connectedAt, _time.GetUtcNow()), presence.StateOf("d1", null));
        Assert.False(presence.StateOf("d1", "m1").IsConnected);

        first.Dispose();
        first.Dispose();
        Assert.True(presence.StateOf("d1", null).IsConnected);
        _time.Advance(TimeSpan.FromMinutes(1));
        second.Dispose();
        Assert.Equal(new PresenceState(false, _time.GetUtcNow(), _time.GetUtcNow()), presence.StateOf("d1", null));

        await registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);
        Assert.Equal(default, presence.StateOf("d1", null));
    }

    private static async Task UpdateKeysAsync(IdentityRegistry registry, SymmetricKeyPair keys) =>
        Assert.True((await registry.UpdateDeviceAsync(
            new() { DeviceId = "d1", Authentication = new() { Keys = keys } }, IfMatch.Any, Cancellation)).IsOk);

    private async Task<IdentityRegistry> OpenAsync()
    {
        var registry = await IdentityRegistry.OpenAsync(_store, _time, Cancellation);
        registry.Subscribe(_changes.Add);
        return registry;
    }
}
