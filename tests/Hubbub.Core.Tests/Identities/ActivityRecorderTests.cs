using System.Threading.Channels;
using Hubbub.Core.Identities;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Core.Tests.Identities;

public sealed class ActivityRecorderTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly MemoryStore _store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Changes_AreStoredOnceAMinute_AndOnlyOnce()
    {
        var registry = await RegistryAsync("d1", "d2");
        using var presence = new DevicePresence(registry, _time);
        await using (var recorder = Record(presence, registry))
        {
            await recorder.Loaded.WaitAsync(Cancellation);
            for (var i = 0; i < 100; i++)
                presence.Touch("d1", null);
            _time.Advance(IdentityLimits.ActivityInterval);
            var first = await _store.Writes.Reader.ReadAsync(Cancellation);
            presence.Touch("d2", null);
            _time.Advance(IdentityLimits.ActivityInterval);
            var second = await _store.Writes.Reader.ReadAsync(Cancellation);

            Assert.Equal(["d1"], first.Changed.Select(a => a.DeviceId));
            Assert.Equal(["d2"], second.Changed.Select(a => a.DeviceId));
        }
        Assert.False(_store.Writes.Reader.TryRead(out _));
    }

    [Fact]
    public async Task FullDisk_LosesNothing_TheNextTimeItIsStored()
    {
        var registry = await RegistryAsync("d1", "d2");
        using var presence = new DevicePresence(registry, _time);
        await using var recorder = Record(presence, registry);
        await recorder.Loaded.WaitAsync(Cancellation);
        presence.Touch("d1", null);
        presence.Touch("d2", null);
        await registry.DeleteDeviceAsync("d2", IfMatch.Any, Cancellation);

        _store.IsFull = true;
        await recorder.FlushAsync(Cancellation);
        _store.IsFull = false;
        await recorder.FlushAsync(Cancellation);

        var write = await _store.Writes.Reader.ReadAsync(Cancellation);
        Assert.Equal(["d1"], write.Changed.Select(a => a.DeviceId));
        Assert.Equal([("d2", (string?)null)], write.Gone);
    }

    [Fact]
    public async Task Store_ThatFails_EndsTheRecordingOnly()
    {
        var registry = await RegistryAsync("d1");
        using var presence = new DevicePresence(registry, _time);
        var failed = new TaskCompletionSource<Exception>();
        _store.Failure = new IOException("broken");

        await using var recorder = Record(presence, registry, failed.SetResult);

        Assert.Same(_store.Failure, await failed.Task.WaitAsync(Cancellation));
        presence.Touch("d1", null);
        Assert.Equal(_time.GetUtcNow(), presence.StateOf("d1", null).ActiveAt);
    }

    [Fact]
    public async Task WhatIsStoredOfThoseThatAreGone_IsRemoved()
    {
        var registry = await RegistryAsync("d1");
        using var presence = new DevicePresence(registry, _time);
        var generationId = registry.GenerationOf("d1", null)!;
        var then = _time.GetUtcNow() - TimeSpan.FromDays(1);
        _store.Stored =
        [
            new("d1", null, generationId, false, null, then), new("d1", "m1", "1", false, then, then),
            new("gone", null, "2", true, then, then),
        ];

        await using var recorder = Record(presence, registry);
        await recorder.Loaded.WaitAsync(Cancellation);

        Assert.Equal(new PresenceState(false, null, then), presence.StateOf("d1", null));
        Assert.Equal(default, presence.StateOf("d1", "m1"));
        Assert.Equal([("d1", "m1"), ("gone", (string?)null)], (await _store.Writes.Reader.ReadAsync(Cancellation)).Gone);
    }

    private async Task<IdentityRegistry> RegistryAsync(params string[] ids)
    {
        var registry = await IdentityRegistry.OpenAsync(new MemoryIdentityStore(), _time, Cancellation);
        foreach (var id in ids)
            await registry.CreateDeviceAsync(new() { DeviceId = id }, Cancellation);
        return registry;
    }

    private ActivityRecorder Record(
        DevicePresence presence, IdentityRegistry registry, Action<Exception>? onFailure = null) =>
        new(presence, registry, _store, _time, onFailure ?? (e => Assert.Fail(e.ToString())));

    private sealed class MemoryStore : IActivityStore
    {
        public Channel<(IReadOnlyList<StoredActivity> Changed, IReadOnlyList<(string, string?)> Gone)> Writes { get; } =
            Channel.CreateUnbounded<(IReadOnlyList<StoredActivity>, IReadOnlyList<(string, string?)>)>();

        public StoredActivity[] Stored { get; set; } = [];

        public bool IsFull { get; set; }

        public Exception? Failure { get; set; }

        public ValueTask<IReadOnlyList<StoredActivity>> LoadActivityAsync(
            StoredActivity? after, int countMax, CancellationToken cancellationToken)
        {
            if (Failure is not null)
                throw Failure;
            var begin = after is { } last ? Array.IndexOf(Stored, last) + 1 : 0;
            return new(Stored.Skip(begin).Take(countMax).ToArray());
        }

        public ValueTask<HubError?> WriteActivityAsync(
            IReadOnlyList<StoredActivity> changed,
            IReadOnlyList<(string DeviceId, string? ModuleId)> gone,
            CancellationToken cancellationToken)
        {
            if (IsFull)
                return new(new HubError(HubErrorCode.StorageFull, "full"));
            Writes.Writer.TryWrite((changed, gone));
            return default;
        }
    }
}
