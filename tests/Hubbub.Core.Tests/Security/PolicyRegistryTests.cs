using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Core.Tests.Identities;

namespace Hubbub.Core.Tests.Security;

/// <summary>Policies that come, go and change their keys while tokens are about.</summary>
public sealed class PolicyRegistryTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Regenerate_OneKey_EndsItsTokensAndNoOthers()
    {
        var hub = await TestHub.StartAsync([]);
        var before = hub.PolicyRegistry.Current.Find("service")!;
        var byPrimary = Verify(hub, before.Keys.Primary, "service");
        var bySecondary = Verify(hub, before.Keys.Secondary, "service");

        var after = (await hub.PolicyRegistry.RegenerateAsync("SERVICE", KeySlot.Primary, Cancellation)).Value;

        Assert.NotEqual(before.Keys.Primary, after.Keys.Primary);
        Assert.Equal(before.Keys.Secondary, after.Keys.Secondary);
        Assert.NotNull(hub.Authenticator.WhyRevoked(byPrimary));
        Assert.Null(hub.Authenticator.WhyRevoked(bySecondary));
        Assert.False(hub.Authenticator.Verify(TokenOf(before.Keys.Primary, "service")).IsOk);
        Assert.True(hub.Authenticator.Verify(TokenOf(after.Keys.Primary, "service")).IsOk);
    }

    [Fact]
    public async Task AddAndRemove_ActAtOnce_AndTellBefore()
    {
        var hub = await TestHub.StartAsync([]);
        var changes = 0;
        hub.PolicyRegistry.OnChanged(() => changes++);

        var added = (await hub.PolicyRegistry.AddAsync("dash-board", AccessRights.ServiceConnect, Cancellation)).Value;
        var claim = Verify(hub, added.Keys.Primary, "Dash-Board");
        Assert.True(claim.AllowsService(AccessRights.ServiceConnect, "messages/devicebound"));
        Assert.False(claim.AllowsService(AccessRights.RegistryRead, "devices/d1"));
        await hub.PolicyRegistry.RemoveAsync("dash-board", Cancellation);

        Assert.NotNull(hub.Authenticator.WhyRevoked(claim));
        Assert.Equal(2, changes);
        // A policy of the same name has keys of its own.
        await hub.PolicyRegistry.AddAsync("dash-board", AccessRights.ServiceConnect, Cancellation);
        Assert.NotNull(hub.Authenticator.WhyRevoked(claim));
    }

    [Theory]
    [InlineData("", AccessRights.ServiceConnect, HubErrorCode.ArgumentInvalid)]
    [InlineData("with space", AccessRights.ServiceConnect, HubErrorCode.ArgumentInvalid)]
    [InlineData("slash/", AccessRights.ServiceConnect, HubErrorCode.ArgumentInvalid)]
    [InlineData("none", AccessRights.None, HubErrorCode.ArgumentInvalid)]
    [InlineData("odd", (AccessRights)2, HubErrorCode.ArgumentInvalid)]
    [InlineData("unknown", (AccessRights)16, HubErrorCode.ArgumentInvalid)]
    [InlineData("Service", AccessRights.ServiceConnect, HubErrorCode.InvalidOperation)]
    public async Task Add_WhatIsNoPolicy_IsRefused(string name, AccessRights rights, HubErrorCode code)
    {
        var hub = await TestHub.StartAsync([]);
        Assert.Equal(code, (await hub.PolicyRegistry.AddAsync(name, rights, Cancellation)).Error?.Code);
        Assert.Equal(5, hub.PolicyRegistry.Current.All.Length);
    }

    [Fact]
    public async Task Add_BeyondTheMaximum_IsRefused()
    {
        var hub = await TestHub.StartAsync([]);
        for (var i = 0; i < 8; i++)
            Assert.True((await hub.PolicyRegistry.AddAsync($"s{i}", AccessRights.ServiceConnect, Cancellation)).IsOk);
        Assert.Equal(
            HubErrorCode.QuotaExceeded,
            (await hub.PolicyRegistry.AddAsync("s8", AccessRights.ServiceConnect, Cancellation)).Error?.Code);
        for (var i = 0; i < 3; i++)
            Assert.True((await hub.PolicyRegistry.AddAsync($"d{i}", AccessRights.DeviceConnect, Cancellation)).IsOk);
        Assert.Equal(
            HubErrorCode.QuotaExceeded,
            (await hub.PolicyRegistry.AddAsync("d3", AccessRights.DeviceConnect, Cancellation)).Error?.Code);
    }

    [Fact]
    public async Task Remove_OfTheOwnerOrOfNobody_IsRefused()
    {
        var hub = await TestHub.StartAsync([]);
        Assert.Equal(
            HubErrorCode.InvalidOperation, (await hub.PolicyRegistry.RemoveAsync("IotHubOwner", Cancellation)).Error?.Code);
        Assert.Equal(
            HubErrorCode.EntityNotFound, (await hub.PolicyRegistry.RemoveAsync("nobody", Cancellation)).Error?.Code);
    }

    [Fact]
    public async Task Change_ThatCannotBeStored_DoesNotHappen()
    {
        var store = new FullStore();
        var settings = HubSettings.Create("hub", TimeProvider.System);
        using var policies = new PolicyRegistry(store, settings);

        var refused = await policies.RegenerateAsync("service", KeySlot.Primary, Cancellation);

        Assert.Equal(HubErrorCode.StorageFull, refused.Error?.Code);
        Assert.Same(settings, policies.Settings);
    }

    private static Claim Verify(TestHub hub, SymmetricKey key, string policy) =>
        hub.Authenticator.Verify(TokenOf(key, policy)).Value;

    private static string TokenOf(SymmetricKey key, string policy) => TestHub.Token(key.Reveal(), TestHub.Host, policy);

    private sealed class FullStore : IHubSettingsStore
    {
        public ValueTask<HubSettings?> LoadSettingsAsync(CancellationToken cancellationToken) => default;

        public ValueTask<HubError?> SaveSettingsAsync(HubSettings settings, CancellationToken cancellationToken) =>
            new(new HubError(HubErrorCode.StorageFull, "full"));

        public ValueTask<IReadOnlyList<ConsumerGroup>> LoadConsumerGroupsAsync(CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<HubError?> PutConsumerGroupAsync(ConsumerGroup group, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<HubError?> DeleteConsumerGroupAsync(ConsumerGroup group, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
