using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>Where a reader starts, in every spelling of address and filter that clients use.</summary>
public sealed class EventFilterTests
{
    private const string Prefix = "amqp.annotation.";

    /// <summary>{o4} and {t4} stand for event 4's offset and time; the number is the first event read, 10 = only new ones.</summary>
    [Theory]
    [InlineData("x-opt-offset > '-1'", 0)]
    [InlineData("x-opt-offset > -1", 0)]
    [InlineData("x-opt-offset >= '-1'", 0)]
    [InlineData("x-opt-offset > '@latest'", 10)]
    [InlineData("x-opt-offset > @latest", 10)]
    [InlineData("x-opt-offset > '{o4}'", 5)]
    [InlineData("x-opt-offset >= '{o4}'", 4)]
    [InlineData("x-opt-offset > {o4}", 5)]
    [InlineData("x-opt-offset >= {o4}", 4)]
    [InlineData("x-opt-offset = {o4}", 4)]
    [InlineData("x-opt-sequence-number > '4'", 5)]
    [InlineData("x-opt-sequence-number >= '4'", 4)]
    [InlineData("x-opt-sequence-number > 4", 5)]
    [InlineData("x-opt-sequence-number >= 4", 4)]
    [InlineData("x-opt-sequence-number > -1", 0)]
    [InlineData("x-opt-sequence-number > '-1'", 0)]
    [InlineData("x-opt-sequence-number > 9", 10)]
    [InlineData("x-opt-sequence-number>4", 5)]
    [InlineData("  x-opt-sequence-number   >   '4'  ", 5)]
    [InlineData("x-opt-enqueued-time > '{t4}'", 5)]
    [InlineData("x-opt-enqueued-time >= '{t4}'", 4)]
    [InlineData("x-opt-enqueued-time > {t4}", 5)]
    [InlineData("x-opt-enqueued-time > 0", 0)]
    [InlineData("x-opt-enqueuedtimeutc > {t4}", 5)]
    [InlineData("x-opt-enqueuedtimeutc > '{t4}'", 5)]
    public async Task Selector_AnySpelling_StartsAtTheRightEvent(string selector, int first)
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        for (var i = 0; i < 10; i++)
        {
            await telemetry.SendEventsAsync(i, 1);
            hub.Time.Advance(TimeSpan.FromSeconds(1));
        }
        var service = await hub.ConnectServiceAsync();
        var all = await (await service.ReaderAsync(hub, 0)).ReceiveAsync(10);
        Assert.True(all[4].Annotation("x-opt-enqueued-time").TryGetTimestamp(out var time));
        var indent = selector.Length - selector.TrimStart().Length;
        var text = (selector[..indent] + Prefix + selector[indent..])
            .Replace("{o4}", Values.TextOf(all[4].Annotation("x-opt-offset")), StringComparison.Ordinal)
            .Replace("{t4}", $"{time.UnixTimeMs}", StringComparison.Ordinal);

        var reader = await service.ReaderAsync(hub, 0, text);
        await service.PingAsync();
        await telemetry.SendEventsAsync(10, 1);

        for (var i = first; i <= 10; i++)
        {
            var read = await reader.ReceiveAsync();
            Assert.Equal((i, $"{i}"), (read.SequenceNumber, read.Text));
        }
    }

    [Theory]
    [InlineData("ulong of JS and Go")]
    [InlineData("ulong of .NET")]
    [InlineData("symbol")]
    [InlineData("undescribed")]
    public async Task Selector_AnyDescriptor_IsTakenAndEchoed(string kind)
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 3);
        var selector = AmqpValue.From($"{Prefix}x-opt-sequence-number > '1'");
        var filter = kind switch
        {
            "ulong of JS and Go" => AmqpValue.Described(0x0000_468C_0000_0004, selector),
            "ulong of .NET" => AmqpValue.Described(0x0000_0013_7000_000A, selector),
            "symbol" => AmqpValue.Described(new Symbol("apache.org:selector-filter:string"), selector),
            _ => selector,
        };

        var link = await (await hub.ConnectServiceAsync()).ReaderAsync(hub, 0, change: a => a.WithFilter(filter));

        var echoed = ((Source)link.Reply.Source!).Filter!.Value;
        Assert.True(echoed.TryGet("apache.org:selector-filter:string", out var value));
        Assert.Equal(filter, value);
        Assert.Equal(2, (await link.ReceiveAsync()).SequenceNumber);
    }

    [Theory]
    [InlineData("x-opt-sequence-number < 4", AmqpErrorNames.ArgumentError, "<")]
    [InlineData("x-opt-sequence-number", AmqpErrorNames.ArgumentError, "expected")]
    [InlineData("x-opt-sequence-number > ", AmqpErrorNames.ArgumentError, "value")]
    [InlineData("x-opt-sequence-number > '4", AmqpErrorNames.ArgumentError, "quote")]
    [InlineData("x-opt-sequence-number > four", AmqpErrorNames.ArgumentError, "four")]
    [InlineData("x-opt-sequence-number > 4 and x-opt-offset > 5", AmqpErrorNames.ArgumentError, "one comparison")]
    [InlineData("x-opt-publisher > 4", AmqpErrorNames.ArgumentError, "x-opt-publisher")]
    [InlineData("x-opt-sequence-number > 10", AmqpErrorNames.ArgumentError, "'2'")]
    [InlineData("x-opt-offset > '99999999'", AmqpErrorNames.ArgumentError, "99999999")]
    [InlineData("x-opt-sequence-number > 99999999999999999999", AmqpErrorNames.ArgumentError, "64 bits")]
    public async Task Selector_Wrong_IsRefusedWithWhatIsWrong(string selector, string condition, string text)
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 3);
        var session = await hub.ConnectServiceAsync();

        var link = await session.ReceiverAsync(
            $"{hub.Entity}/ConsumerGroups/$Default/Partitions/0", change: a => a.WithFilter(Prefix + selector));

        Assert.Equal(condition, link.Refusal?.Condition.Value);
        Assert.Contains(text, link.Refusal!.Description, StringComparison.Ordinal);
        await session.PingAsync();
    }

    [Theory]
    [InlineData("other descriptor")]
    [InlineData("other filter")]
    [InlineData("number")]
    [InlineData("two")]
    public async Task Filter_OfAnotherType_IsNotAllowed(string kind)
    {
        var (hub, _) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var session = await hub.ConnectServiceAsync();
        var good = AmqpValue.From($"{Prefix}x-opt-offset > '-1'");
        var filters = kind switch
        {
            "other descriptor" => new AmqpMapBuilder().Add("x", AmqpValue.Described(new Symbol("apache.org:no-local-filter:list"), good)),
            "other filter" => new AmqpMapBuilder().Add("apache.org:xquery-filter:string", good),
            "number" => new AmqpMapBuilder().Add("apache.org:selector-filter:string", 5),
            _ => new AmqpMapBuilder().Add("apache.org:selector-filter:string", good)
                .Add("again", AmqpValue.Described(new Symbol("apache.org:selector-filter:string"), good)),
        };

        var link = await session.ReceiverAsync($"{hub.Entity}/ConsumerGroups/$Default/Partitions/0", change: a => a with
        {
            Source = (Source)a.Source! with { Filter = filters.Build() },
        });

        Assert.Equal(ErrorCondition.NotAllowed, link.Refusal?.Condition.Value);
    }

    [Theory]
    [InlineData("{0}/ConsumerGroups/$Default/Partitions/0")]
    [InlineData("/{0}/ConsumerGroups/$Default/Partitions/0")]
    [InlineData("{0}/consumergroups/$default/partitions/0/")]
    [InlineData("{0}/ConsumerGroups/%24Default/Partitions/0")]
    [InlineData("amqps://hub1.example.net/{0}/ConsumerGroups/$Default/Partitions/0")]
    [InlineData("amqps://hub1.example.net:5671/{0}/ConsumerGroups/$Default/Partitions/0")]
    [InlineData("sb://hub1.example.net/{0}/ConsumerGroups/$Default/Partitions/0")]
    public async Task Address_AnySpelling_IsServedAndEchoed(string address)
    {
        var (hub, telemetry) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        await telemetry.SendEventsAsync(0, 1);
        address = string.Format(address, hub.Entity);

        var link = await (await hub.ConnectServiceAsync()).ReceiverAsync(address);
        await link.CreditAsync(1);

        Assert.Null(link.Refusal);
        Assert.Equal(address, Values.TextOf(((Source)link.Reply.Source!).Address!.Value));
        Assert.Equal("me", Values.TextOf(((Target)link.Reply.Target!).Address!.Value));
        Assert.Equal(0u, link.Reply.InitialDeliveryCount);
        Assert.NotNull(link.Reply.Properties);
        Assert.Equal(0, (await link.ReceiveAsync()).SequenceNumber);
    }

    [Theory]
    [InlineData("{0}/ConsumerGroups/nobody/Partitions/0", ErrorCondition.NotFound, "nobody' could not be found")]
    [InlineData("{0}/ConsumerGroups/$Default/Partitions/1", AmqpErrorNames.ArgumentOutOfRange, "'1'")]
    [InlineData("{0}/ConsumerGroups/$Default/Partitions/-1", AmqpErrorNames.ArgumentOutOfRange, "'-1'")]
    [InlineData("{0}/ConsumerGroups/$Default/Partitions/00", AmqpErrorNames.ArgumentOutOfRange, "'00'")]
    [InlineData("{0}/ConsumerGroups/$Default/Partitions/XYZ", AmqpErrorNames.ArgumentOutOfRange, "'XYZ'")]
    [InlineData("another/ConsumerGroups/$Default/Partitions/0", ErrorCondition.NotFound, "another' could not be found")]
    [InlineData("{0}", ErrorCondition.NotFound, "ConsumerGroups/<group>/Partitions/<id>")]
    [InlineData("{0}/ConsumerGroups/$Default", ErrorCondition.NotFound, "ConsumerGroups/<group>/Partitions/<id>")]
    [InlineData("{0}/ConsumerGroups/$Default/Partitions/0/more", ErrorCondition.NotFound, "0/more")]
    public async Task Address_OfWhatIsNotThere_IsRefusedAndNamed(string address, string condition, string text)
    {
        var (hub, _) = await EventSteps.StartWithOnePartitionAsync();
        await using var closing = hub;
        var session = await hub.ConnectServiceAsync();

        var link = await session.ReceiverAsync(string.Format(address, hub.Entity));

        Assert.Equal(condition, link.Refusal?.Condition.Value);
        Assert.Contains(text, link.Refusal!.Description, StringComparison.Ordinal);
        if (text.Contains("could not be found", StringComparison.Ordinal))
            Assert.StartsWith("The messaging entity '", link.Refusal.Description, StringComparison.Ordinal);
        await hub.Log.WhenLoggedAsync($"{session.Peer.Id}: link '{link.Name}'", condition);
        Assert.Null((await session.ReceiverAsync($"{hub.Entity}/ConsumerGroups/$Default/Partitions/0")).Refusal);
    }
}

/// <summary>Conditions of the vendor.</summary>
internal static class AmqpErrorNames
{
    public const string ArgumentError = "com.microsoft:argument-error";
    public const string ArgumentOutOfRange = "com.microsoft:argument-out-of-range";
}
