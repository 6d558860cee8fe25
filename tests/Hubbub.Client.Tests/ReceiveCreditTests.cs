using Hubbub.Client.Events;

namespace Hubbub.Client.Tests;

/// <summary>How much a reader asks for.</summary>
public sealed class ReceiveCreditTests
{
    [Fact]
    public void Update_SmallEvents_DoublesUpToTheMost()
    {
        var credit = new ReceiveCredit(4_096);
        var seen = new List<uint> { credit.Value };
        for (var i = 0; i < 5; i++)
        {
            credit.Update(100, 30_000);
            seen.Add(credit.Value);
        }

        Assert.Equal([256u, 512, 1_024, 2_048, 4_096, 4_096], seen);
    }

    [Fact]
    public void Update_LargeEvents_StaysBelowWhatFitsIntoMemory()
    {
        var credit = new ReceiveCredit(4_096);

        credit.Update(10, 10 * 256 * 1_024);

        Assert.Equal(64u, credit.Value);
    }

    [Fact]
    public void New_SmallMost_StartsThere() => Assert.Equal(10u, new ReceiveCredit(10).Value);
}
