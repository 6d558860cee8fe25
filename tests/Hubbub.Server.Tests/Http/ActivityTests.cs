using Hubbub.Core.Identities;
using Hubbub.Server.Hosting;
using Hubbub.Server.Tests.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Http;

public sealed class ActivityTests : IDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Activity_IsThereAgainAfterARestart()
    {
        DateTimeOffset active;
        await using (var core = await OpenAsync())
        {
            await CreateAsync(core, "d1", "m1");
            _time.Advance(TimeSpan.FromHours(1));
            using (core.Presence.Connect("d1", null))
            using (var module = core.Presence.Connect("d1", "m1"))
            {
                _time.Advance(TimeSpan.FromMinutes(1));
                module.Touch();
            }
            active = _time.GetUtcNow();
        }
        _time.Advance(TimeSpan.FromDays(1));

        await using var again = await OpenAsync();

        Assert.Equal(new PresenceState(false, active, active), again.Presence.StateOf("d1", null));
        Assert.Equal(new PresenceState(false, active, active), again.Presence.StateOf("d1", "m1"));
        Assert.Equal(default, again.Presence.StateOf("d2", null));
    }

    [Fact]
    public async Task Device_ConnectedWhenTheHubCrashed_HasBeenDisconnectedSinceTheStart()
    {
        DateTimeOffset connected;
        await using (var core = await OpenAsync())
        {
            await CreateAsync(core, "d1", null);
            core.Presence.Connect("d1", null); // Never closed: no end of the hub was told to anybody.
            connected = _time.GetUtcNow();
        }
        _time.Advance(TimeSpan.FromMinutes(10));

        await using var again = await OpenAsync();

        Assert.Equal(new PresenceState(false, _time.GetUtcNow(), connected), again.Presence.StateOf("d1", null));
    }

    [Fact]
    public async Task WhatIsHeardBeforeTheStoreHasAnswered_IsNotOverwritten()
    {
        await using (var core = await OpenAsync())
        {
            await CreateAsync(core, "d1", null);
            core.Presence.Touch("d1", null);
        }
        _time.Advance(TimeSpan.FromMinutes(10));

        await using var again = await OpenAsync(waitForActivity: false);
        again.Presence.Touch("d1", null);
        await again.Activity.Loaded.WaitAsync(Cancellation);

        Assert.Equal(_time.GetUtcNow(), again.Presence.StateOf("d1", null).ActiveAt);
    }

    [Fact]
    public async Task DeviceRegisteredAnew_WasNeverHeardOf()
    {
        await using (var core = await OpenAsync())
        {
            await CreateAsync(core, "d1", "m1");
            core.Presence.Touch("d1", null);
            core.Presence.Touch("d1", "m1");
            await core.Activity.FlushAsync(Cancellation);
            await core.Registry.DeleteDeviceAsync("d1", IfMatch.Any, Cancellation);
            await CreateAsync(core, "d1", "m1");
            Assert.Equal(default, core.Presence.StateOf("d1", null));
            Assert.Equal(default, core.Presence.StateOf("d1", "m1"));
        }

        await using var again = await OpenAsync();

        Assert.Equal(default, again.Presence.StateOf("d1", null));
        Assert.Equal(default, again.Presence.StateOf("d1", "m1"));
    }

    private async Task<HubCore> OpenAsync(bool waitForActivity = true)
    {
        var options = new HubOptions { DataDirectory = _directory.Path };
        var core = await HubCore.OpenAsync(options, _time, NullLogger.Instance, Cancellation);
        if (waitForActivity)
            await core.Activity.Loaded.WaitAsync(Cancellation);
        return core;
    }

    private static async Task CreateAsync(HubCore core, string deviceId, string? moduleId)
    {
        await core.Registry.CreateDeviceAsync(new() { DeviceId = deviceId }, Cancellation);
        if (moduleId is not null)
            await core.Registry.CreateModuleAsync(new() { DeviceId = deviceId, ModuleId = moduleId }, Cancellation);
    }
}
