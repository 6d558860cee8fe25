using System.Net;
using Hubbub.Server.Amqp;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>Strangers that connect and prove nothing do not keep devices out.</summary>
public sealed class UnprovenConnectionsTests
{
    private static readonly IPAddress Stranger = IPAddress.Parse("203.0.113.5");
    private static readonly IPAddress Other = IPAddress.Parse("203.0.113.6");

    [Fact]
    public async Task Unproven_OneTooManyFromAnAddress_CutsTheOldestOfThatAddressOnly()
    {
        await using var hub = await TestHub.StartAsync();
        using var stopping = new CancellationTokenSource();
        var other = Connect(hub, Other, "other", stopping.Token);
        var strangers = new List<Task>();
        for (var i = 0; i < HubAmqpLimits.UnprovenPerAddressMax; i++)
            strangers.Add(Connect(hub, Stranger, $"s{i}", stopping.Token));
        Assert.DoesNotContain(strangers, static s => s.IsCompleted);

        strangers.Add(Connect(hub, Stranger, "last", stopping.Token));

        await strangers[0].WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.DoesNotContain(strangers.Skip(1), static s => s.IsCompleted);
        Assert.False(other.IsCompleted);
        Assert.Contains(
            hub.Log.Lines,
            static line => line.Contains("s0", StringComparison.Ordinal) && line.Contains("203.0.113.5", StringComparison.Ordinal));
        await stopping.CancelAsync();
        await Task.WhenAll([other, .. strangers]);
    }

    private static Task Connect(TestHub hub, IPAddress address, string id, CancellationToken stopping)
    {
        var (hubEnd, _) = DuplexPipe.CreatePair(4_096);
        return hub.Listener.RunAsync(
            hubEnd, new AmqpPeer(id, new IPEndPoint(address, 40_000), IsSecure: true, null, null, "memory"), stopping);
    }
}
