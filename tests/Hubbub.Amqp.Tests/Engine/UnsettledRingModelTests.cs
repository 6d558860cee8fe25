using System.Runtime.CompilerServices;
using CsCheck;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Engine;

/// <summary>The ring of unsettled deliveries against a sorted list, over any ids, gaps and orders.</summary>
public sealed class UnsettledRingModelTests
{
    private const int CountMax = 40;

    private enum Op
    {
        Add,
        Remove,
        Find,
        Range,
        RemoveAll,
        Clear,
    }

    private static readonly Gen<(Op Op, uint A, uint B)> GenStep = Gen.Frequency(
        (10, Gen.Const(Op.Add)),
        (8, Gen.Const(Op.Remove)),
        (4, Gen.Const(Op.Find)),
        (4, Gen.Const(Op.Range)),
        (1, Gen.Const(Op.RemoveAll)),
        (1, Gen.Const(Op.Clear)))
        .Select(Gen.UInt[0, 200], Gen.UInt[0, 200], static (op, a, b) => (op, a, b));

    private static readonly Gen<uint> GenStart =
        Gen.OneOf(Gen.Const(0u), Gen.Const(5u), Gen.Const(0x7FFF_FFF0u), Gen.Const(0xFFFF_FFF0u), Gen.Const(0xFFFF_FFFFu));

    [Fact]
    public void Ring_UnderAnyOperations_EqualsASortedList() => Gen.Select(GenStart, GenStep.Array[0, 400]).Sample((start, steps) =>
    {
        var links = Links();
        var ring = new UnsettledRing(CountMax);
        var model = new List<(uint Id, AmqpLink Link, uint Token)>();
        var next = start;
        var added = 0u;
        foreach (var (op, a, b) in steps)
        {
            switch (op)
            {
                case Op.Add:
                    // Mostly dense, sometimes with a gap, as settled deliveries and multi-frame ones leave.
                    next = unchecked(next + (a < 150 ? 1 : a));
                    var link = links[b % 3];
                    var fits = model.Count < CountMax;
                    Assert.Equal(fits, ring.TryAdd(next, link, ++added, added));
                    if (fits)
                        model.Add((next, link, added));
                    Assert.False(ring.TryAdd(next, link, null, 0) && model.Count > 0);
                    break;
                case Op.Remove when model.Count > 0:
                    var at = (int)(a % model.Count);
                    ref var entry = ref ring.Find(model[at].Id);
                    Assert.Equal(model[at].Token, entry.Token);
                    ring.Remove(ref entry);
                    model.RemoveAt(at);
                    break;
                case Op.Find:
                    var id = unchecked(next - a);
                    Assert.Equal(model.Any(m => m.Id == id), !Unsafe.IsNullRef(ref ring.Find(id)));
                    break;
                case Op.Range:
                    var from = unchecked(next - a);
                    Assert.Equal(Between(model, from, unchecked(from + b)), Walk(ring, from, unchecked(from + b)));
                    break;
                case Op.RemoveAll:
                    ring.RemoveAll(links[a % 3]);
                    model.RemoveAll(m => m.Link == links[a % 3]);
                    break;
                case Op.Clear when a < 20:
                    ring.Clear();
                    model.Clear();
                    break;
            }
            Check(ring, model, links);
        }
    });

    [Fact]
    public void Ring_WithOneOldDelivery_DoesNotGrowWithTheOnesAfterIt()
    {
        var link = Links()[0];
        var ring = new UnsettledRing(100);
        Assert.True(ring.TryAdd(0, link, null, 0));
        for (uint id = 1; id < 1_000_000; id++)
        {
            Assert.True(ring.TryAdd(id, link, null, 0));
            ring.Remove(ref ring.Find(id));
        }
        Assert.InRange(ring.Span, 1, 17);
        // 2^31 ids later there is no order any more.
        Assert.False(ring.TryAdd(0x8000_0001, link, null, 0));
    }

    [Fact]
    public void Ring_ThatWasLarge_GivesItsArrayBackWhenEmpty()
    {
        var link = Links()[0];
        var ring = new UnsettledRing(100_000);
        for (uint id = 0; id < 50_000; id++)
            ring.TryAdd(id, link, null, 0);
        Assert.True(ring.Capacity >= 50_000);
        for (uint id = 0; id < 50_000; id++)
            ring.Remove(ref ring.Find(id));
        Assert.Equal((0, 0, 0), (ring.Count, ring.Span, ring.Capacity));
    }

    private static void Check(UnsettledRing ring, List<(uint Id, AmqpLink Link, uint Token)> model, AmqpLink[] links)
    {
        Assert.Equal(model.Count, ring.Count);
        // Ranges are walked over settled slots too, so there may not be many of them.
        Assert.True(ring.Span <= (4 * ring.Count) + 19, $"{ring.Span} slots for {ring.Count} deliveries");
        foreach (var link in links)
            Assert.Equal(model.Count(m => m.Link == link), link.UnsettledCount);
        if (model.Count > 0)
            Assert.Equal(model.Select(m => (object)m.Token), Walk(ring, model[0].Id, model[^1].Id));
    }

    private static IEnumerable<object> Between(List<(uint Id, AmqpLink Link, uint Token)> model, uint first, uint last) => model
        .Where(m => SequenceNumber.Distance(m.Id, first) >= 0 && SequenceNumber.Distance(m.Id, last) <= 0)
        .Select(m => (object)m.Token);

    private static List<object> Walk(UnsettledRing ring, uint first, uint last)
    {
        var tokens = new List<object>();
        while (true)
        {
            ref var entry = ref ring.FindFirst(first, last);
            if (Unsafe.IsNullRef(ref entry))
                return tokens;
            tokens.Add(entry.Token!);
            if (entry.Id == last)
                return tokens;
            first = unchecked(entry.Id + 1);
        }
    }

    private static AmqpLink[] Links()
    {
        var peer = ScriptedPeer.MappedServer();
        return [peer.AttachReceiver("a", 0), peer.AttachReceiver("b", 1), peer.AttachReceiver("c", 2)];
    }
}
