using CsCheck;
using Hubbub.Amqp.Engine;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>Tags, tables, windows and credit against models that are too simple to be wrong.</summary>
public sealed class ArithmeticModelTests
{
    private static readonly Gen<uint> GenNumber = Gen.OneOf(
        Gen.UInt, Gen.UInt[0, 10], Gen.UInt[0xFFFF_FFF5, 0xFFFF_FFFF], Gen.UInt[0x7FFF_FFF5, 0x8000_0005]);

    [Fact]
    public void SequenceNumbers_ObeyTheLawsOfSerialArithmetic() => Gen.Select(GenNumber, Gen.Int[-0x7FFF_FFFF, 0x7FFF_FFFF])
        .Sample((number, distance) =>
        {
            var other = unchecked(number + (uint)distance);
            Assert.Equal(distance, SequenceNumber.Distance(other, number));
            Assert.Equal(-distance, SequenceNumber.Distance(number, other));
            Assert.Equal(distance > 0, SequenceNumber.IsAfter(other, number));
        });

    [Fact]
    public void TagSet_UnderAnyOperations_EqualsASet() => Gen.Select(Gen.Bool, Gen.Int[0, 60]).Array[0, 500].Sample(steps =>
    {
        var set = new TagSet();
        var model = new HashSet<int>();
        foreach (var (adds, tag) in steps)
        {
            var key = TagSet.KeyOf(BitConverter.GetBytes(tag));
            if (adds)
                Assert.Equal(model.Add(tag), set.Add(key));
            else if (model.Remove(tag))
                set.Remove(key);
        }
        for (var tag = 0; tag <= 60; tag++)
            Assert.Equal(!model.Contains(tag), set.Add(TagSet.KeyOf(BitConverter.GetBytes(tag))));
    });

    [Fact]
    public void TagSet_WithKeysThatCollide_KeepsThemApart() => Gen.Select(Gen.Bool, Gen.UInt[0, 7], Gen.UInt[0, 3]).Array[0, 300].Sample(steps =>
    {
        // Keys of one home slot or of neighbours around the end of the table: runs that wrap and shift.
        var set = new TagSet();
        var model = new HashSet<ulong>();
        foreach (var (adds, high, low) in steps)
        {
            var key = ((ulong)high + 1) << 32 | (0xFFFF_FFFE + low & 0xFFFF_FFFF);
            if (adds)
                Assert.Equal(model.Add(key), set.Add(key));
            else if (model.Remove(key))
                set.Remove(key);
        }
        foreach (var key in model)
            Assert.False(set.Add(key));
    });

    [Fact]
    public void TagKeys_OfTagsThatDiffer_Differ()
    {
        var keys = new HashSet<ulong>();
        for (var length = 0; length <= 32; length++)
        {
            // The same bytes in tags of another length are another tag.
            Assert.True(keys.Add(TagSet.KeyOf(new byte[length])));
            for (var bit = 0; bit < length * 8; bit++)
            {
                var tag = new byte[length];
                tag[bit / 8] = (byte)(1 << (bit % 8));
                Assert.True(keys.Add(TagSet.KeyOf(tag)));
            }
        }
        Assert.DoesNotContain(0ul, keys);
    }

    [Fact]
    public void SlotTable_UnderAnyOperations_EqualsADictionary() => Gen.Select(Gen.Bool, Gen.UInt[0, 100].Select(n => n * n / 3)).Array[0, 300]
        .Sample(steps =>
        {
            var table = new SlotTable<object>();
            var model = new SortedDictionary<uint, object>();
            foreach (var (adds, number) in steps)
            {
                if (adds && !model.ContainsKey(number))
                {
                    var value = new object();
                    table.Add(number, value);
                    model.Add(number, value);
                }
                else if (!adds)
                {
                    Assert.Equal(model.TryGetValue(number, out var value), table.Remove(number, value ?? new object()));
                    model.Remove(number);
                }
                Assert.Equal(model.Count, table.Count);
                var free = 0u;
                while (model.ContainsKey(free))
                    free++;
                Assert.Equal(free, table.LowestFree());
                Assert.Equal(model.GetValueOrDefault(number), table[number]);
            }
            Assert.Equal(model.Values, table.Values());
            Assert.Null(table[uint.MaxValue]);
        });

    [Fact]
    public void Credit_OfBothEnds_NeverLetsTheSenderOutrunTheReceiver() => Gen.Select(
        GenNumber, Gen.Select(Gen.Int[0, 5], Gen.UInt[0, 20]).Array[0, 200]).Sample((start, steps) =>
    {
        // Flows and deliveries travel in order on two wires of any delay; drains go with the flows.
        var (receiver, sender) = (new LinkCredit(start), new LinkCredit(start));
        var flows = new Queue<(uint Count, uint Credit, bool Drain)>();
        var wire = new Queue<(bool Delivery, uint Count)>();
        foreach (var (op, n) in steps)
        {
            switch (op)
            {
                case 0:
                    receiver.Grant(n);
                    flows.Enqueue((receiver.DeliveryCount, receiver.Available, n % 5 == 0));
                    break;
                case 1 when flows.TryDequeue(out var flow):
                    sender.Update(flow.Count, flow.Credit);
                    if (!flow.Drain)
                        break;
                    sender.Drain();
                    wire.Enqueue((false, sender.DeliveryCount));
                    break;
                case 2 or 3 when sender.TryTake():
                    wire.Enqueue((true, 0));
                    break;
                case 4 or 5 when wire.TryDequeue(out var frame):
                    if (frame.Delivery)
                        Assert.True(receiver.TryTake());
                    else
                        receiver.AdvanceTo(frame.Count);
                    break;
            }
        }
        while (wire.TryDequeue(out var frame))
        {
            if (frame.Delivery)
                Assert.True(receiver.TryTake());
            else
                receiver.AdvanceTo(frame.Count);
        }
        Assert.Equal(sender.DeliveryCount, receiver.DeliveryCount);
    });

    [Fact]
    public void Windows_OfBothEnds_NeverDisagree() => Gen.Select(
        GenNumber,
        Gen.OneOf(Gen.Const(1u), Gen.Const(2u), Gen.Const(9u), Gen.Const(uint.MaxValue)),
        Gen.Int[0, 4].Array[0, 300]).Sample((start, size, steps) =>
    {
        var incoming = new IncomingWindow(size, start);
        var outgoing = new OutgoingWindow(start, size);
        var flows = new Queue<uint>();
        var wire = 0;
        foreach (var op in steps)
        {
            switch (op)
            {
                case 0:
                    incoming.Announced();
                    flows.Enqueue(incoming.NextIncomingId);
                    break;
                case 1 when flows.TryDequeue(out var next):
                    Assert.True(outgoing.Update(next, size));
                    break;
                case 2 or 3 when outgoing.Remaining > 0:
                    outgoing.Take();
                    wire++;
                    break;
                case 4 when wire > 0:
                    Assert.True(incoming.TryTake());
                    wire--;
                    break;
            }
            Assert.True(incoming.Remaining <= size);
        }
        for (; wire > 0; wire--)
            Assert.True(incoming.TryTake());
        Assert.Equal(outgoing.NextOutgoingId, incoming.NextIncomingId);
        Assert.False(outgoing.Update(unchecked(outgoing.NextOutgoingId + 1), size));
    });

    [Fact]
    public void IncomingWindow_AfterBillionsOfFrames_StillKnowsWhatIsBehind()
    {
        var window = new IncomingWindow(10, 0);
        for (var id = 0L; id < 5_000_000_000; id += 500_000_000)
        {
            Assert.True(window.TryRebase((uint)id));
            window.Announced();
        }
        Assert.True(window.TryRebase(unchecked(window.NextIncomingId - 5)));
        Assert.False(window.TryRebase(unchecked(window.NextIncomingId - 0x6000_0000)));
        Assert.Equal(10u, window.Remaining);
    }
}
