using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>Batches, sizes, malformed messages, a full disk, a disk that is too slow.</summary>
public sealed class TelemetryRefusalTests
{
    private const int Limit = 262_144;

    [Fact]
    public async Task Batch_InTheCSdksSectionOrder_IsReadAsSingleMessagesInStandardOrder()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");
        var inner = new[] { 0, 1, 2 }.Select(CSdkMessage).ToArray();

        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Batch(inner), MessageFormats.Batch));
        var reader = await (await hub.ConnectServiceAsync()).ReaderAsync(hub, TelemetryTests.PartitionOf(hub, "d1"));
        var read = await reader.ReceiveAsync(3);

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(0u, read[i].Transfer.MessageFormat);
            Assert.Equal($"body {i}", read[i].Text);
            Assert.Equal($"id {i}", Values.TextOf(read[i].Sections.ReadProperties()!.MessageId!.Value));
            Assert.True(read[i].Sections.ApplicationProperties!.Value.TryGet("n", out var n));
            Assert.Equal($"{i}", Values.TextOf(n));
            Assert.Equal("component", Values.TextOf(read[i].Annotation("dt-subject")));
            Assert.Equal("d1", Values.TextOf(read[i].Annotation("iothub-connection-device-id")));
            Assert.Equal(i, read[i].SequenceNumber);
        }
    }

    [Fact]
    public async Task Batch_OfFiveHundred_IsTakenAndOneMoreIsRefused()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");
        var messages = Enumerable.Range(0, 501).Select(i => Values.Message($"{i}")).ToArray();

        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Batch(messages[..500]), MessageFormats.Batch));
        var rejected = Assert.IsType<Rejected>(await link.SendAndWaitAsync(Batch(messages), MessageFormats.Batch));

        Assert.Contains("501", rejected.Error!.Description, StringComparison.Ordinal);
        Assert.Equal(499, hub.Events.Log.Partitions[TelemetryTests.PartitionOf(hub, "d1")].State.LastSequenceNumber);
    }

    [Theory]
    [InlineData("first")]
    [InlineData("last")]
    [InlineData("application properties")]
    [InlineData("empty item")]
    public async Task Batch_OneBadMessage_StoresNone(string what)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");
        var good = Values.Message("good");
        byte[] bad = [0x00, 0x53, 0x75, 0xa0, 0xff];
        var batch = what switch
        {
            "first" => Batch(bad, good, good),
            "last" => Batch(good, good, bad),
            "empty item" => Batch(good, [], good),
            _ => Batch(good, NonSimpleApplicationProperty()),
        };

        var rejected = Assert.IsType<Rejected>(await link.SendAndWaitAsync(batch, MessageFormats.Batch));
        Assert.Contains("of the batch", rejected.Error!.Description, StringComparison.Ordinal);
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(good));

        Assert.Equal(0, hub.Events.Log.Partitions[TelemetryTests.PartitionOf(hub, "d1")].State.LastSequenceNumber);
    }

    [Fact]
    public async Task MessageFormat_Unknown_IsRejectedAndNamed()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");

        var rejected = Assert.IsType<Rejected>(await link.SendAndWaitAsync(Values.Message("x"), format: 0x1234));

        Assert.Equal(ErrorCondition.NotImplemented, rejected.Error!.Condition.Value);
        Assert.Contains("0x1234", rejected.Error.Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("body", 0, true)]
    [InlineData("body", 1, false)]
    [InlineData("with properties", 0, true)]
    [InlineData("with properties", 1, false)]
    [InlineData("batch", 0, true)]
    [InlineData("batch", 1, false)]
    public async Task Size_CountsBodyAndPropertyTexts_UpTo256KiB(string what, int beyond, bool accepted)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");
        // Texts of 10 + 4 + 6 = 20 bytes beside the body.
        var withProperties = new OutgoingMessage
        {
            Properties = new Properties { MessageId = "0123456789".ToValue() },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("name", "values").Build(),
        };
        var half = new OutgoingMessage { Data = new byte[Limit / 2] }.ToArray();
        var (message, format) = what switch
        {
            "body" => (new OutgoingMessage { Data = new byte[Limit + beyond] }.ToArray(), MessageFormats.Amqp),
            "with properties" => ((withProperties with { Data = new byte[Limit - 20 + beyond] }).ToArray(), MessageFormats.Amqp),
            _ => (Batch(half, new OutgoingMessage { Data = new byte[(Limit / 2) + beyond] }.ToArray()), MessageFormats.Batch),
        };

        var outcome = await link.SendAndWaitAsync(message, format);

        if (accepted)
        {
            Assert.IsType<Accepted>(outcome);
            return;
        }
        var error = Assert.IsType<Rejected>(outcome).Error!;
        Assert.Equal(ErrorCondition.MessageSizeExceeded, error.Condition.Value);
        Assert.Equal(
            $"Message size is {Limit + 1} bytes which is greater than the max size {Limit} bytes allowed.", error.Description);
        await hub.Log.WhenLoggedAsync("event of device 'd1' rejected", $"{Limit + 1}");
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("the link goes on")));
    }

    [Fact]
    public async Task Size_OfOneMebibyte_IsRejectedAndAByteMoreDetaches()
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"));
        var session = await hub.ConnectServiceAsync("device");
        var link = await session.TelemetryAsync("d1");
        var other = await session.TelemetryAsync("d2");
        Assert.Equal(1_048_576ul, link.Reply.MaxMessageSize);
        const int Overhead = 8;

        var rejected = Assert.IsType<Rejected>(
            await link.SendAndWaitAsync(new OutgoingMessage { Data = new byte[1_048_576 - Overhead] }.ToArray()));
        Assert.Equal(ErrorCondition.MessageSizeExceeded, rejected.Error!.Condition.Value);
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("goes on")));
        await link.SendAsync(new OutgoingMessage { Data = new byte[1_048_577 - Overhead] }.ToArray());

        Assert.Equal(ErrorCondition.MessageSizeExceeded, (await link.DetachedAsync())!.Condition.Value);
        Assert.IsType<Accepted>(await other.SendAndWaitAsync(Values.Message("unaffected")));
    }

    public static TheoryData<string, string> Malformed => new()
    {
        { "empty", ErrorCondition.DecodeError },
        { "truncated", ErrorCondition.DecodeError },
        { "no section", ErrorCondition.DecodeError },
        { "unknown section", ErrorCondition.DecodeError },
        { "symbolic near miss", ErrorCondition.DecodeError },
        { "out of order", ErrorCondition.DecodeError },
        { "twice", ErrorCondition.DecodeError },
        { "two bodies", ErrorCondition.DecodeError },
        { "many empty data sections", ErrorCondition.DecodeError },
        { "trailing bytes", ErrorCondition.DecodeError },
        { "binary annotation key", ErrorCondition.InvalidField },
        { "list in application properties", ErrorCondition.InvalidField },
        { "described in application properties", ErrorCondition.InvalidField },
        { "number as key of application properties", ErrorCondition.InvalidField },
        { "too many annotations", ErrorCondition.InvalidField },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task Malformed_IsRejectedStoresNothingAndTheLinkGoesOn(string what, string condition)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");
        var link = await session.TelemetryAsync("d1");
        var message = MalformedMessage(what);

        var rejected = Assert.IsType<Rejected>(await link.SendAndWaitAsync(message));
        await link.SendAsync(message, settled: true);

        Assert.Equal(condition, rejected.Error!.Condition.Value);
        await hub.Log.WhenLoggedAsync($"{session.Peer.Id}: event of device 'd1' rejected", condition);
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("good")));
        Assert.Equal(0, hub.Events.Log.Partitions[TelemetryTests.PartitionOf(hub, "d1")].State.LastSequenceNumber);
    }

    [Fact]
    public async Task Malformed_InALoop_LogsFewerAndFewerLines()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var link = await (await hub.ConnectDeviceAsync("d1")).TelemetryAsync("d1");

        for (var i = 0; i < 1_500; i++)
            await link.SendAsync(new byte[] { 1 }, settled: true);
        Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("x")));

        Assert.InRange(hub.Log.Lines.Count(line => line.Contains("rejected", StringComparison.Ordinal)), 100, 200);
    }

    [Fact]
    public async Task FullDisk_RejectsWithResourceLimitAndRecovers()
    {
        var log = new ScriptedLog(1);
        await using var hub = await TestHub.StartAsync(wrap: _ => log);
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");
        var link = await session.TelemetryAsync("d1");
        var full = new HubError(HubErrorCode.StorageFull, "The disk is full.");

        var first = await link.SendAsync(Values.Message("1"));
        var second = await link.SendAsync(Values.Message("2"));
        await log[0].WhenAppendedAsync(2);
        log[0].Commit(full);
        foreach (var id in new[] { first, second })
        {
            var error = Assert.IsType<Rejected>(await link.OutcomeAsync(id)).Error!;
            Assert.Equal((ErrorCondition.ResourceLimitExceeded, "The disk is full."), (error.Condition.Value, error.Description));
        }
        log[0].Refusal = full;
        var third = Assert.IsType<Rejected>(await link.SendAndWaitAsync(Values.Message("3")));
        Assert.Equal(ErrorCondition.ResourceLimitExceeded, third.Error!.Condition.Value);

        log[0].Refusal = null;
        var fourth = await link.SendAsync(Values.Message("4"));
        await log[0].WhenAppendedAsync(3);
        log[0].Commit();
        Assert.IsType<Accepted>(await link.OutcomeAsync(fourth));
    }

    [Fact]
    public async Task Accepted_NotBeforeTheCommit()
    {
        var log = new ScriptedLog(1);
        await using var hub = await TestHub.StartAsync(wrap: _ => log);
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");
        var link = await session.TelemetryAsync("d1");

        var id = await link.SendAsync(Values.Message("1"));
        await log[0].WhenAppendedAsync(1);
        await session.PingAsync();
        Assert.False(session.Peer.IsSettled(0, id));
        log[0].Commit();

        Assert.IsType<Accepted>(await link.OutcomeAsync(id));
    }

    [Fact]
    public async Task Saturation_HoldsBackOnlyTheConnectionThatFeedsThePartition()
    {
        var log = new ScriptedLog(2);
        await using var hub = await TestHub.StartAsync(wrap: _ => log);
        var names = Enumerable.Range(0, 20).Select(i => $"d{i}").ToLookup(d => Core.Events.PartitionHash.PartitionOf(d, 2));
        var (fastId, slowId) = (names[0].First(), names[1].First());
        await Task.WhenAll(hub.CreateDeviceAsync(fastId), hub.CreateDeviceAsync(slowId));
        var fast = await hub.ConnectDeviceAsync(fastId);
        var fastLink = await fast.TelemetryAsync(fastId);
        var slow = await hub.ConnectDeviceAsync(slowId);
        var slowLink = await slow.TelemetryAsync(slowId);

        log[0].Saturate();
        await fastLink.SendAsync(Values.Message("1"));
        await log[0].WhenAppendedAsync(1);
        await fastLink.SendAsync(Values.Message("2"));
        var id = await slowLink.SendAsync(Values.Message("x"));
        await log[1].WhenAppendedAsync(1);
        log[1].Commit();
        Assert.IsType<Accepted>(await slowLink.OutcomeAsync(id));
        await slow.PingAsync();
        Assert.Equal(1, log[0].Count);

        log[0].Relieve();
        await log[0].WhenAppendedAsync(2);
    }

    private static byte[] Batch(params byte[][] messages)
    {
        using var buffer = new ByteBuffer();
        var writer = new AmqpWriter(buffer);
        foreach (var message in messages)
            writer.WriteDataSection(message);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Properties, application properties, then annotations, then data: as Azure's C SDK writes it.</summary>
    private static byte[] CSdkMessage(int i)
    {
        var message = new OutgoingMessage
        {
            MessageAnnotations = new AmqpMapBuilder().Add("dt-subject", "component").Build(),
            Properties = new Properties { MessageId = $"id {i}".ToValue() },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("n", $"{i}").Build(),
            Data = System.Text.Encoding.UTF8.GetBytes($"body {i}"),
        }.ToArray();
        Assert.True(MessageSections.TryRead(message, SectionOrder.Strict, out var sections, out _));
        return
        [
            .. sections.PropertiesSection.Span, .. sections.ApplicationPropertiesSection.Span,
            .. sections.MessageAnnotationsSection.Span, .. sections.BodySections.Span,
        ];
    }

    private static byte[] NonSimpleApplicationProperty() => new OutgoingMessage
    {
        ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
            .Add("list", AmqpValue.From(new AmqpMapBuilder().Add("a", 1).Build())).Build(),
        Data = "x"u8.ToArray(),
    }.ToArray();

    private static byte[] MalformedMessage(string what)
    {
        var good = Values.Message("x");
        var properties = new OutgoingMessage { Properties = new Properties { MessageId = "m".ToValue() } }.ToArray();
        byte[] emptyData = [0x00, 0x53, 0x75, 0xa0, 0];
        var many = new AmqpMapBuilder();
        for (var i = 0; i < 700; i++)
            many.Add($"annotation-{i:0000}", "0123456789");
        return what switch
        {
            "empty" => [],
            "truncated" => good[..^1],
            "no section" => [0x40],
            "unknown section" => [0x00, 0x53, 0x99, 0xa0, 0],
            "symbolic near miss" => [0x00, 0xa3, 17, .. "amqp:data:binaryX"u8, 0xa0, 0],
            "out of order" => [.. good, .. properties[..^emptyData.Length]],
            "twice" => [.. properties[..^emptyData.Length], .. properties],
            "two bodies" => [.. good, .. new OutgoingMessage { Value = "y".ToValue() }.ToArray()],
            "many empty data sections" => [.. Enumerable.Repeat(emptyData, 1_000).SelectMany(s => s)],
            "trailing bytes" => [.. good, 0x00],
            "binary annotation key" => [0x00, 0x53, 0x72, 0xc1, 7, 2, 0xa0, 2, 1, 2, 0x54, 1, .. good],
            "list in application properties" => NonSimpleApplicationProperty(),
            "described in application properties" => new OutgoingMessage
            {
                ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                    .Add("d", AmqpValue.Described(new Symbol("x:y"), AmqpValue.From(1))).Build(),
                Data = "x"u8.ToArray(),
            }.ToArray(),
            "number as key of application properties" => [0x00, 0x53, 0x74, 0xc1, 5, 2, 0x54, 1, 0x54, 1, .. good],
            "too many annotations" => new OutgoingMessage { MessageAnnotations = many.Build(), Data = "x"u8.ToArray() }.ToArray(),
            _ => throw new ArgumentOutOfRangeException(nameof(what), what, null),
        };
    }
}
