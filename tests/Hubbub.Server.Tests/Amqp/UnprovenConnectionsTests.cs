using System.Net;
using Hubbub.Server.Amqp;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>Strangers that connect and prove nothing do not keep devices out.</summary>
public sealed class UnprovenConnectionsTests
{
    /// <summary>Who has a network of IPv6 has an address for each connection.</summary>
    [Theory]
    [InlineData("203.0.113.5", "203.0.113.5", "203.0.113.6")]
    [InlineData("203.0.113.5", "::ffff:203.0.113.5", "203.0.113.6")]
    [InlineData("2001:db8:1:2::", "2001:db8:1:2:ffff:ffff:ffff:0", "2001:db8:1:3::5")]
    public async Task Unproven_OneTooManyFromAnAddress_CutsTheOldestOfThatAddressOnly(string first, string last, string others)
    {
        await using var hub = await TestHub.StartAsync();
        using var stopping = new CancellationTokenSource();
        var other = Connect(hub, IPAddress.Parse(others), "other", stopping.Token);
        var strangers = new List<Task>();
        for (var i = 0; i < HubAmqpLimits.UnprovenPerAddressMax; i++)
            strangers.Add(Connect(hub, Stranger(first, i), $"s{i}", stopping.Token));
        Assert.DoesNotContain(strangers, static s => s.IsCompleted);

        strangers.Add(Connect(hub, Stranger(last, 0), "last", stopping.Token));

        await strangers[0].WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.DoesNotContain(strangers.Skip(1), static s => s.IsCompleted);
        Assert.False(other.IsCompleted);
        Assert.Contains(
            hub.Log.Lines,
            line => line.Contains("s0", StringComparison.Ordinal) && line.Contains(first, StringComparison.Ordinal));
        await stopping.CancelAsync();
        await Task.WhenAll([other, .. strangers]);
    }

    private static IPAddress Stranger(string address, int number)
    {
        var bytes = IPAddress.Parse(address).GetAddressBytes();
        if (bytes[0] == 0x20)
            (bytes[^2], bytes[^1]) = ((byte)(number >> 8), (byte)number);
        return new IPAddress(bytes);
    }

    private static Task Connect(TestHub hub, IPAddress address, string id, CancellationToken stopping)
    {
        var (hubEnd, _) = DuplexPipe.CreatePair(4_096);
        return hub.Listener.RunAsync(
            hubEnd, new AmqpPeer(id, new IPEndPoint(address, 40_000), IsSecure: true, null, null, "memory"), stopping);
    }
}
