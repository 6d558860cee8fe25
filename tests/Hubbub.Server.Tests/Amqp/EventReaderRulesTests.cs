using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>Readers of one partition and group: five share it, or the highest epoch has it alone.</summary>
public sealed class EventReaderRulesTests
{
    [Fact]
    public async Task Readers_FiveShareAPartition_ASixthIsRefusedAndTheFiveAreNamed()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var readers = new List<PeerLink>();
        for (var i = 0; i < 5; i++)
            readers.Add(await OpenAsync(hub, name: i == 0 ? null : $"reader-{i}"));

        var sixth = await OpenAsync(hub, name: "late");
        await telemetry.SendEventsAsync(0, 1);

        Assert.Equal(ErrorCondition.ResourceLimitExceeded, sixth.Refusal?.Condition.Value);
        Assert.Contains("5", sixth.Refusal!.Description, StringComparison.Ordinal);
        foreach (var name in new[] { "nil", "reader-1", "reader-4" })
            Assert.Contains(name, sixth.Refusal.Description, StringComparison.Ordinal);
        foreach (var reader in readers)
            Assert.Equal(0, (await reader.ReceiveAsync()).SequenceNumber);
    }

    [Theory]
    [InlineData("detach")]
    [InlineData("end")]
    [InlineData("close")]
    [InlineData("cut")]
    public async Task Reader_Gone_FreesItsPlaceAtOnce(string how)
    {
        var (hub, _) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        for (var i = 0; i < 4; i++)
            await OpenAsync(hub);
        var fifth = await OpenAsync(hub);
        var peer = fifth.Session.Peer;

        switch (how)
        {
            case "detach":
                await fifth.DetachAsync();
                break;
            case "end":
                await peer.SendAsync(0, new End().Write);
                await peer.NextAsync<End>();
                break;
            case "close":
                await peer.SendAsync(0, new Close().Write);
                await peer.NextAsync<Close>();
                break;
            default:
                await peer.DisposeAsync();
                break;
        }

        Assert.Null((await OpenAsync(hub)).Refusal);
    }

    [Fact]
    public async Task Reader_AttachedAgainUnderItsName_TakesItsOwnPlace()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 3);
        for (var i = 0; i < 4; i++)
            await OpenAsync(hub);
        var session = await hub.ConnectServiceAsync();
        var address = $"{hub.Entity}/ConsumerGroups/$Default/Partitions/0";
        var first = await session.ReceiverAsync(address, "same name");
        await first.CreditAsync(1);
        Assert.Equal(0, (await first.ReceiveAsync()).SequenceNumber);

        var second = await session.ReceiverAsync(address, "same name");
        await second.CreditAsync(3);

        Assert.Null(second.Refusal);
        Assert.Equal(ErrorCondition.LinkStolen, (await first.DetachedAsync())!.Condition.Value);
        Assert.Equal([0L, 1, 2], (await second.ReceiveAsync(3)).Select(m => m.SequenceNumber));
    }

    [Fact]
    public async Task SameLinkName_InOtherSessionsAndConnections_IsNobodysBusiness()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 1);
        var address = $"{hub.Entity}/ConsumerGroups/$Default/Partitions/0";
        var connection = await hub.ConnectServiceAsync();
        var second = await connection.Peer.Session(1).BeginAsync();
        var other = await hub.ConnectServiceAsync();

        var links = new List<PeerLink>();
        foreach (var session in new[] { connection, second, other })
            links.Add(await session.ReceiverAsync(address, "same name"));

        foreach (var link in links)
        {
            await link.CreditAsync(1);
            Assert.Equal(0, (await link.ReceiveAsync()).SequenceNumber);
        }
    }

    [Fact]
    public async Task Epoch_TakesOverFromAllThatShare()
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var shared = new[] { await OpenAsync(hub, name: "a"), await OpenAsync(hub) };

        var owner = await OpenAsync(hub, epoch: 0, name: "owner");
        await telemetry.SendEventsAsync(0, 1);

        foreach (var reader in shared)
        {
            var error = await reader.DetachedAsync();
            Assert.Equal(ErrorCondition.LinkStolen, error!.Condition.Value);
            Assert.Contains("'owner'", error.Description, StringComparison.Ordinal);
            await hub.Log.WhenLoggedAsync($"{reader.Session.Peer.Id}: link '{reader.Name}' ended", ErrorCondition.LinkStolen);
            Assert.Equal(0, reader.Waiting);
        }
        Assert.Equal(0, (await owner.ReceiveAsync()).SequenceNumber);
    }

    [Theory]
    [InlineData(3, 3, true)]
    [InlineData(3, 4, true)]
    [InlineData(3, 2, false)]
    [InlineData(0, 0, true)]
    [InlineData(long.MaxValue, 0, false)]
    public async Task Epoch_OfTheNewcomer_WinsUnlessItIsLower(long held, long offered, bool wins)
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var holder = await OpenAsync(hub, held, "holder");

        var newcomer = await OpenAsync(hub, offered, "newcomer");
        await telemetry.SendEventsAsync(0, 1);

        if (wins)
        {
            var error = await holder.DetachedAsync();
            Assert.Equal(ErrorCondition.LinkStolen, error!.Condition.Value);
            foreach (var part in new[] { "'holder'", "'newcomer'", $"epoch {held}", $"epoch {offered}" })
                Assert.Contains(part, error.Description, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(ErrorCondition.LinkStolen, newcomer.Refusal?.Condition.Value);
            Assert.Contains("higher epoch", newcomer.Refusal!.Description, StringComparison.Ordinal);
        }
        Assert.Equal(0, (await (wins ? newcomer : holder).ReceiveAsync()).SequenceNumber);
    }

    [Fact]
    public async Task NoEpoch_BesideAHolder_IsRefused()
    {
        var (hub, _) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var holder = await OpenAsync(hub, 0, "holder");

        var newcomer = await OpenAsync(hub);

        Assert.Equal(ErrorCondition.LinkStolen, newcomer.Refusal?.Condition.Value);
        Assert.Contains("without epoch", newcomer.Refusal!.Description, StringComparison.Ordinal);
        await holder.DetachAsync();
        Assert.Null((await OpenAsync(hub)).Refusal);
    }

    [Fact]
    public async Task Epoch_CountsWithinItsGroupAndPartitionOnly()
    {
        await using var hub = await TestHub.StartAsync(partitions: 2);
        await hub.Core.Groups.CreateAsync("other", TestContext.Current.CancellationToken);
        var session = await hub.ConnectServiceAsync();

        foreach (var path in new[] { "$Default/Partitions/0", "$Default/Partitions/1", "other/Partitions/0" })
        {
            var link = await session.ReceiverAsync($"{hub.Entity}/ConsumerGroups/{path}", change: a => WithEpoch(a, 1));
            Assert.Null(link.Refusal);
        }
        await session.PingAsync();
        Assert.DoesNotContain(session.Peer.Inbox, f => f.Performative is Detach);
    }

    [Fact]
    public async Task GroupName_InAnotherCase_IsTheSameGroup()
    {
        var (hub, _) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var session = await hub.ConnectServiceAsync();
        var holder = await session.ReceiverAsync(
            $"{hub.Entity}/ConsumerGroups/$default/Partitions/0", change: a => WithEpoch(a, 1));

        await session.ReceiverAsync($"{hub.Entity}/ConsumerGroups/$DEFAULT/Partitions/0", change: a => WithEpoch(a, 2));

        Assert.Equal(ErrorCondition.LinkStolen, (await holder.DetachedAsync())!.Condition.Value);
    }

    private static async Task<PeerLink> OpenAsync(TestHub hub, long? epoch = null, string? name = null)
    {
        var session = await hub.ConnectServiceAsync();
        var link = await session.ReceiverAsync(
            $"{hub.Entity}/ConsumerGroups/$Default/Partitions/0", change: a => WithEpoch(a, epoch, name));
        if (link.Refusal is null)
            await link.CreditAsync(100);
        return link;
    }

    private static Attach WithEpoch(Attach attach, long? epoch, string? name = null)
    {
        var properties = new AmqpMapBuilder();
        if (epoch is { } level)
            properties.Add("com.microsoft:epoch", level);
        if (name is not null)
            properties.Add("com.microsoft:receiver-name", name);
        return attach with { Properties = properties.Build() };
    }
}
