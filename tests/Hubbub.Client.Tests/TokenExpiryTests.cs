using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Client.Tests;

/// <summary>Tokens run out while a client works; the hub and the client share a clock that is moved.</summary>
public sealed class TokenExpiryTests
{
    [Theory]
    [InlineData(ClientAuthentication.Cbs)]
    [InlineData(ClientAuthentication.SaslPlain)]
    public async Task Telemetry_OverFiveHours_IsAllAccepted(ClientAuthentication authentication)
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var hub = await RealHub.StartAsync(time);
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"), new()
        {
            Authentication = authentication,
            TimeProvider = time,
            // No wait before another attempt, for only the loop below moves time.
            Reconnect = new() { InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero },
            // Time is moved in leaps, over which nobody says a word.
            IdleTimeoutMs = uint.MaxValue,
            OperationTimeout = TimeSpan.FromDays(1),
            ConnectTimeout = TimeSpan.FromDays(1),
        });
        var states = 0;
        device.ConnectionStateChanged += (_, change) =>
            Interlocked.Add(ref states, change.State == ConnectionState.Connected ? 1 : 0);

        for (var minutes = 0; minutes < 300; minutes += 2)
        {
            await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
            time.Advance(TimeSpan.FromMinutes(2));
        }

        // A claim is renewed on its connection. With PLAIN another connection takes over, unnoticed if it is there before
        // time has moved on beyond the token's end.
        if (authentication == ClientAuthentication.Cbs)
            Assert.Equal(1, states);
        else
            Assert.InRange(states, 1, 7);
    }
}
