using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>The judge of the crash tests is itself put to the test: each kind of damage is seen.</summary>
public sealed class HistoryCheckerTests
{
    [Fact]
    public void History_WithAnUnacknowledgedEventStored_IsFine() =>
        Assert.Empty(Judge([E(0, "a", 0), E(1, "a", 1), E(2, "b", 0), E(3, "a", 2)]));

    [Fact]
    public void History_WithoutTheUnacknowledgedEvent_IsFine() =>
        Assert.Empty(Judge([E(0, "a", 0), E(1, "a", 1), E(2, "b", 0)]));

    [Fact]
    public void AcceptedEvent_NotThere_IsLost() =>
        Assert.Equal(["a event 1 was accepted and is lost"], Judge([E(0, "a", 0), E(1, "b", 0)]));

    [Fact]
    public void Event_StoredTwice_IsSeen() => Assert.Contains(
        "b event 0 is there 2 times", Judge([E(0, "a", 0), E(1, "a", 1), E(2, "b", 0), E(3, "b", 0)]));

    [Fact]
    public void Events_OutOfOrder_AreSeen() =>
        Assert.Equal(["a event 0 comes after 1"], Judge([E(0, "a", 1), E(1, "a", 0), E(2, "b", 0)]));

    [Fact]
    public void SequenceNumbers_WithAGap_AreSeen() => Assert.Equal(
        ["partition 0 has sequence number 3 where 2 belongs"], Judge([E(0, "a", 0), E(1, "a", 1), E(3, "b", 0)]));

    [Fact]
    public void Offset_NotRising_IsSeen() => Assert.Equal(
        ["partition 0 has offset 10 after 10"], Judge([E(0, "a", 0), E(1, "a", 1), E(2, "b", 0) with { Offset = 10 }]));

    [Fact]
    public void Event_NeverSent_IsSeen() => Assert.Equal(
        ["c event 0 was never sent"], Judge([E(0, "a", 0), E(1, "a", 1), E(2, "b", 0), E(3, "c", 0)]));

    private static ReadEvent E(long sequence, string device, int number) =>
        new(sequence, sequence * 10, device, number);

    /// <summary>a sent 0, 1 and 2 and has 0 and 1 accepted; b sent 0 and has it accepted.</summary>
    private static IReadOnlyList<string> Judge(ReadEvent[] read)
    {
        var checker = new HistoryChecker();
        for (var number = 0; number < 3; number++) checker.Send("a");
        checker.Send("b");
        checker.Accepted("a", 0);
        checker.Accepted("a", 1);
        checker.Accepted("b", 0);
        return checker.Violations(new Dictionary<string, IReadOnlyList<ReadEvent>> { ["0"] = read });
    }
}
