using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary><c>messages/events</c> on the hub's name sends readers to the events entity.</summary>
public sealed class RedirectTests
{
    [Theory]
    [InlineData("/messages/events", "")]
    [InlineData("messages/events", "")]
    [InlineData("messages/events/", "/")]
    [InlineData("/Messages/EVENTS/$management", "/$management")]
    [InlineData("amqps://hub1.example.net/messages/events/$management", "/$management")]
    [InlineData("amqps://hub1.example.net:5671/messages/events/ConsumerGroups/$Default/Partitions/3", "/ConsumerGroups/$Default/Partitions/3")]
    [InlineData("/messages/events/ConsumerGroups/g/Partitions/0/", "/ConsumerGroups/g/Partitions/0/")]
    public async Task Reader_IsRedirectedWithTheTailOfItsAddress(string address, string tail)
    {
        await using var hub = await TestHub.StartAsync();
        var session = await hub.ConnectServiceAsync();

        var link = await session.ReceiverAsync(address, change: a => a with { RcvSettleMode = ReceiverSettleMode.Second });

        Assert.Null(link.Reply.Source);
        Assert.Null(link.Reply.Target);
        Assert.Equal(Role.Sender, link.Reply.Role);
        Assert.Equal(ReceiverSettleMode.Second, link.Reply.RcvSettleMode);
        Assert.Equal(0u, link.Reply.InitialDeliveryCount);
        Assert.Equal(262_144ul, link.Reply.MaxMessageSize);
        Assert.Equal(ErrorCondition.LinkRedirect, link.Refusal!.Condition.Value);
        var info = link.Refusal.Info!.Value.ToDictionary(e => Values.TextOf(e.Key), e => e);
        Assert.All(info.Values, entry => Assert.Equal(AmqpKind.Symbol, entry.Key.Kind));
        Assert.Equal(TestHub.Host.ToValue(), info["hostname"].Value);
        Assert.Equal(TestHub.Host.ToValue(), info["network-host"].Value);
        Assert.Equal(AmqpValue.From(5671), info["port"].Value);
        Assert.Equal($"amqps://{TestHub.Host}:5671/{hub.Entity}{tail}".ToValue(), info["address"].Value);
        await session.PingAsync();
    }

    [Fact]
    public async Task Redirect_NamesTheHostThatTheClientOpened()
    {
        await using var hub = await TestHub.StartAsync();
        var peer = hub.Connect();
        await peer.SaslAsync("PLAIN", PeerSteps.Plain("service@sas.root.hub1", hub.PolicyToken("service")));
        var session = await peer.OpenAsync(hostname: "HUB1.example.net");

        var link = await session.ReceiverAsync("/messages/events/$management");

        Assert.True(link.Refusal!.Info!.Value.TryGet("hostname", out var host));
        Assert.Equal("HUB1.example.net", Values.TextOf(host));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("10.0.0.1")]
    public async Task Redirect_OfAClientThatNamedNoHostOfOurs_NamesOurs(string? hostname)
    {
        await using var hub = await TestHub.StartAsync();
        var peer = hub.Connect();
        await peer.SaslAsync("PLAIN", PeerSteps.Plain("service@sas.root.hub1", hub.PolicyToken("service")));
        var session = await peer.OpenAsync(hostname: hostname);

        var link = await session.ReceiverAsync("/messages/events/$management");

        Assert.True(link.Refusal!.Info!.Value.TryGet("hostname", out var host));
        Assert.Equal(TestHub.Host, Values.TextOf(host));
    }

    [Fact]
    public async Task Redirect_WithoutTheRight_IsRefused()
    {
        await using var hub = await TestHub.StartAsync();
        var session = await hub.ConnectServiceAsync("device");

        var link = await session.ReceiverAsync("/messages/events/$management");

        Assert.Equal(ErrorCondition.UnauthorizedAccess, link.Refusal?.Condition.Value);
    }
}
