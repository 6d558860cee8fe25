using Hubbub.Core.Identities;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Core.Tests.Identities;

public sealed class ConsumerGroupsTests
{
    private readonly MemoryIdentityStore _store = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Default_IsAlwaysThere_UnderBothSpellings_AndStays()
    {
        using var groups = await OpenAsync();

        Assert.NotNull(groups.Find("$Default"));
        Assert.NotNull(groups.Find("$default"));
        var refused = await groups.DeleteAsync("$DEFAULT", Cancellation);
        Assert.Equal(HubErrorCode.InvalidOperation, refused.Error?.Code);
    }

    [Fact]
    public async Task CreatedGroup_IsThereAfterAReopen_UntilItIsDeleted()
    {
        ConsumerGroup? deleted = null;
        using var groups = await OpenAsync();
        groups.OnDeleted(group => deleted = group);
        Assert.True((await groups.CreateAsync("Dashboards", Cancellation)).IsOk);
        Assert.Equal("Dashboards", (await groups.CreateAsync("dashboards", Cancellation)).Value.Name);

        using var reopened = await OpenAsync();
        Assert.Equal(["$Default", "Dashboards"], reopened.All.Select(g => g.Name));

        Assert.True((await groups.DeleteAsync("DASHBOARDS", Cancellation)).IsOk);
        Assert.Equal("Dashboards", deleted?.Name);
        Assert.Equal(HubErrorCode.EntityNotFound, groups.Get("Dashboards").Error?.Code);
        Assert.Equal(HubErrorCode.EntityNotFound, (await groups.DeleteAsync("Dashboards", Cancellation)).Error?.Code);
    }

    [Fact]
    public async Task Groups_AreTwentyAtMost()
    {
        using var groups = await OpenAsync();
        for (var i = 1; i < IdentityLimits.ConsumerGroupsMax; i++)
            Assert.True((await groups.CreateAsync($"g{i}", Cancellation)).IsOk);

        var refused = await groups.CreateAsync("more", Cancellation);

        Assert.Equal(HubErrorCode.QuotaExceeded, refused.Error?.Code);
        Assert.Equal(20, groups.All.Count);
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("A.b_c-$9", true)]
    [InlineData("12345678901234567890123456789012345678901234567890", true)]
    [InlineData("123456789012345678901234567890123456789012345678901", false)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("a/b", false)]
    [InlineData("é", false)]
    public async Task Create_ChecksTheName(string name, bool isValid)
    {
        using var groups = await OpenAsync();

        Assert.Equal(isValid, (await groups.CreateAsync(name, Cancellation)).IsOk);
    }

    [Fact]
    public async Task Create_WhenTheDiskIsFull_LeavesNothing()
    {
        using var groups = await OpenAsync();
        _store.IsFull = true;

        Assert.Equal(HubErrorCode.StorageFull, (await groups.CreateAsync("g", Cancellation)).Error?.Code);
        Assert.Null(groups.Find("g"));
    }

    [Fact]
    public async Task Settings_AreMadeOnce()
    {
        var first = (await HubSettings.LoadOrCreateAsync(_store, "My-Factory.hub", _time, Cancellation)).Value;
        var second = (await HubSettings.LoadOrCreateAsync(_store, "other", _time, Cancellation)).Value;

        Assert.Same(first, second);
        Assert.Matches("^iothub-ehub-myfactoryh-[0-9]{7}-[0-9a-f]{10}$", first.EntityName);
        Assert.Equal(
            ["iothubowner", "service", "device", "registryRead", "registryReadWrite"],
            first.Policies.All.Select(p => p.Name));
        Assert.Equal(10, first.Policies.All.SelectMany(p => new[] { p.Keys.Primary.Reveal(), p.Keys.Secondary.Reveal() }).Distinct().Count());
    }

    private ValueTask<ConsumerGroups> OpenAsync() =>
        ConsumerGroups.OpenAsync(_store, "entity", _time.GetUtcNow(), _time, Cancellation);
}
