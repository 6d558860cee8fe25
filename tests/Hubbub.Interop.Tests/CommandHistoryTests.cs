using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>The judge of the crash test is itself put to the test: each kind of damage is seen.</summary>
public sealed class CommandHistoryTests
{
    private readonly CommandHistory _history = new();

    [Fact]
    public void Command_GivenTwiceWithItsFeedback_IsFine()
    {
        var id = Accept();
        _history.Delivered(id, 0);
        _history.Delivered(id, 1);
        _history.Feedback(id, "Success", "t1");
        _history.Feedback(id, "Success", "t1");
        _history.Feedback(Accept(), "Expired", "t2");
        _history.Send();

        Assert.Empty(_history.Violations());
        Assert.True(_history.WhenAllEndedAsync().IsCompletedSuccessfully);
    }

    [Fact]
    public void AcceptedCommand_WithoutAnOutcome_IsSeen()
    {
        _history.Delivered(Accept(), 0);

        Assert.Equal(["c1 was accepted and has no outcome"], _history.Violations());
        Assert.False(_history.WhenAllEndedAsync().IsCompleted);
    }

    [Fact]
    public void CompletedCommand_GivenAgain_IsSeen()
    {
        var id = Accept();
        _history.Delivered(id, 0);
        _history.Feedback(id, "Success", "t1");
        _history.Delivered(id, 0);

        Assert.Equal(["c1 was delivered after it had ended as Success"], _history.Violations());
    }

    [Fact]
    public void Command_WithTwoOutcomesOrTwoRecords_IsSeen()
    {
        var (first, second) = (Accept(), Accept());
        foreach (var id in new[] { first, second }) _history.Delivered(id, 0);
        _history.Feedback(first, "Success", "t1");
        _history.Feedback(first, "Expired", "t1");
        _history.Feedback(second, "Success", "t1");
        _history.Feedback(second, "Success", "t2");

        Assert.Equal(
            ["c1 ended as Success at t1 and as Expired at t1", "c2 ended as Success at t1 and as Success at t2"],
            _history.Violations().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Command_ThatWasRefusedOrNeverSent_IsSeen()
    {
        var id = _history.Send();
        _history.Refused(id);
        _history.Delivered(id, 0);
        _history.Feedback("c9", "Expired", "t1");

        Assert.Equal(["c1 was refused, and seen", "c9 was never sent"], _history.Violations().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Outcome_WithoutADelivery_OrACountThatFalls_IsSeen()
    {
        var (first, second) = (Accept(), Accept());
        _history.Feedback(first, "Rejected", "t1");
        _history.Delivered(second, 2);
        _history.Delivered(second, 1);
        _history.Feedback(second, "Expired", "t1");

        Assert.Equal(
            ["c1 ended as Rejected, never delivered", "c2 was delivered with count 1 after 2"],
            _history.Violations().Order(StringComparer.Ordinal));
    }

    private string Accept()
    {
        var id = _history.Send();
        _history.Accepted(id);
        return id;
    }
}
