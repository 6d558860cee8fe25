using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;

namespace Hubbub.Amqp.Tests.Allocation;

/// <summary>What happens for every message costs no memory.</summary>
public sealed class HotPathAllocationTests
{
    private const int Rounds = 1_000;

    private static readonly Transfer Transfer = new()
    {
        Handle = 300,
        DeliveryId = 70_000,
        DeliveryTag = new byte[] { 1, 2, 3, 4 },
        MessageFormat = 0,
        Settled = false,
        State = Accepted.Instance,
    };

    private static readonly Flow Flow = new()
    {
        NextIncomingId = 1,
        IncomingWindow = 2_048,
        NextOutgoingId = 2,
        OutgoingWindow = 2_048,
        Handle = 0,
        DeliveryCount = 70_000,
        LinkCredit = 1_000,
    };

    private static readonly Disposition Disposition = new()
    {
        Role = Role.Receiver,
        First = 70_000,
        Last = 70_100,
        Settled = true,
        State = Accepted.Instance,
    };

    [Fact]
    public void Transfer_ReadAndWritten_AllocatesNothing() =>
        AssertFree(() => WriteAndRead(
            static (ref w) => Transfer.Write(ref w),
            static (ref r) => Transfer.Read(ref r).Handle));

    [Fact]
    public void Flow_ReadAndWritten_AllocatesNothing() =>
        AssertFree(() => WriteAndRead(
            static (ref w) => Flow.Write(ref w),
            static (ref r) => Flow.Read(ref r).IncomingWindow));

    [Fact]
    public void Disposition_ReadAndWritten_AllocatesNothing() =>
        AssertFree(() => WriteAndRead(
            static (ref w) => Disposition.Write(ref w),
            static (ref r) => Disposition.Read(ref r).First));

    [Fact]
    public void Message_TakenApart_AllocatesNothing()
    {
        var telemetry = new OutgoingMessage
        {
            Header = new Header { Durable = true },
            MessageAnnotations = new AmqpMapBuilder().Add("x-opt-a", "b").Build(),
            Properties = new Performatives.Properties { MessageId = AmqpValue.From("id"), ContentType = "text/plain" },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("k", "v").Add("n", 5).Build(),
            Data = new byte[256],
        }.ToArray();
        var bare = new OutgoingMessage { Data = new byte[256] }.ToArray();
        AssertFree(() =>
        {
            Assert.True(MessageSections.TryRead(bare, SectionOrder.Strict, out _, out _));
            if (!MessageSections.TryRead(telemetry, SectionOrder.Strict, out var sections, out _))
                throw new InvalidOperationException();
            foreach (var payload in sections.Data)
                Assert.True(payload.Length == 256);
            if (!sections.ApplicationProperties!.Value.TryGet("n", out var value) || !value.TryGetInt64(out _))
                throw new InvalidOperationException();
        });
    }

    private static readonly ByteBuffer Buffer = new();

    private static void WriteAndRead(Wire.WriteAction write, Wire.ReadFunc<uint> read)
    {
        Buffer.Clear();
        var writer = new AmqpWriter(Buffer);
        write(ref writer);
        var reader = new AmqpReader(Buffer.WrittenMemory);
        reader.ReadDescriptor();
        read(ref reader);
    }

    private static void AssertFree(Action action)
    {
        action();
        Assert.Equal(0, Wire.AllocatedBytes(() =>
        {
            for (var i = 0; i < Rounds; i++)
                action();
        }));
    }
}
