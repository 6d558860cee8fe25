namespace Hubbub.Client.Tests;

/// <summary>Tokens are renewed before they expire, and links notice nothing.</summary>
public sealed class ClaimRenewalTests
{
    private const uint NeverIdleMs = uint.MaxValue;
    private readonly WatchedTime _time = new(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));

    [Fact]
    public async Task Claim_IsRenewedAtEightyFivePercentOfItsLife()
    {
        var hub = new FakeHub(_time) { IdleTimeoutMs = NeverIdleMs };
        await using var device = DeviceOf(hub);
        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        Assert.Contains("&se=1800003600", Assert.Single(hub.Last.Tokens), StringComparison.Ordinal);

        _time.Advance(TimeSpan.FromMinutes(50));
        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        Assert.Single(hub.Last.Tokens);

        _time.Advance(TimeSpan.FromMinutes(1));
        await hub.Last.WhenAsync(peer => peer.Tokens.Count == 2, Some.Patience);
        Assert.Contains("&se=1800006660", hub.Last.Tokens[1], StringComparison.Ordinal);
        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        Assert.Single(hub.Connections);
    }

    [Fact]
    public async Task Claim_RenewalRefused_IsTriedAgain()
    {
        var refusals = 0;
        var hub = new FakeHub(_time) { IdleTimeoutMs = NeverIdleMs };
        await using var device = DeviceOf(hub);
        await device.OpenAsync(Some.Patience);
        hub.OnPutToken = (_, _) => ++refusals <= 2 ? (503, "busy") : (200, "OK");

        _time.Advance(TimeSpan.FromMinutes(51));
        for (var retry = 1; retry <= 2; retry++)
        {
            await _time.WhenWaitedForAsync(TimeSpan.FromSeconds(30), Some.Patience, times: retry);
            _time.Advance(TimeSpan.FromSeconds(30));
        }
        await hub.Last.WhenAsync(peer => peer.Tokens.Count == 4, Some.Patience);

        Assert.Equal(3, refusals);
        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        Assert.Single(hub.Connections);
    }

    private DeviceClient DeviceOf(FakeHub hub) =>
        Some.DeviceOf(
            hub, new() { TimeProvider = _time, IdleTimeoutMs = NeverIdleMs, OperationTimeout = TimeSpan.FromDays(1) });
}
