using CsCheck;
using Hubbub.Core.Events;

namespace Hubbub.Core.Tests.Events;

public sealed class PositionFilterTests
{
    [Theory]
    // Earliest: Python, JS; .NET; old samples.
    [InlineData("amqp.annotation.x-opt-offset > '-1'", EventPositionKind.Earliest, 0, false)]
    [InlineData("amqp.annotation.x-opt-offset > -1", EventPositionKind.Earliest, 0, false)]
    [InlineData("amqp.annotation.x-opt-sequence-number > '-1'", EventPositionKind.Earliest, 0, false)]
    [InlineData("amqp.annotation.x-opt-enqueued-time > '-62135596800000'", EventPositionKind.Earliest, 0, false)]
    // Latest.
    [InlineData("amqp.annotation.x-opt-offset > '@latest'", EventPositionKind.Latest, 0, false)]
    [InlineData("amqp.annotation.x-opt-offset > @latest", EventPositionKind.Latest, 0, false)]
    // Offset.
    [InlineData("amqp.annotation.x-opt-offset > '4096'", EventPositionKind.Offset, 4096, false)]
    [InlineData("amqp.annotation.x-opt-offset >= '4096'", EventPositionKind.Offset, 4096, true)]
    [InlineData("amqp.annotation.x-opt-offset >= 4096", EventPositionKind.Offset, 4096, true)]
    // Sequence number, among them the seed page's.
    [InlineData("amqp.annotation.x-opt-sequence-number > 2995", EventPositionKind.SequenceNumber, 2995, false)]
    [InlineData("amqp.annotation.x-opt-sequence-number > '2995'", EventPositionKind.SequenceNumber, 2995, false)]
    [InlineData("amqp.annotation.x-opt-sequence-number >= '2995'", EventPositionKind.SequenceNumber, 2995, true)]
    [InlineData("amqp.annotation.x-opt-sequence-number = 2995", EventPositionKind.SequenceNumber, 2995, true)]
    [InlineData("amqp.annotation.x-opt-sequence-number > 9223372036854775807", EventPositionKind.SequenceNumber, long.MaxValue, false)]
    // Time, in the present and in the old spelling.
    [InlineData("amqp.annotation.x-opt-enqueued-time > '1700000000000'", EventPositionKind.EnqueuedTime, 1700000000000, false)]
    [InlineData("amqp.annotation.x-opt-enqueued-time >= 1700000000000", EventPositionKind.EnqueuedTime, 1700000000000, true)]
    [InlineData("amqp.annotation.x-opt-enqueuedtimeutc > 1700000000000", EventPositionKind.EnqueuedTime, 1700000000000, false)]
    // White space where it pleases, and none.
    [InlineData("amqp.annotation.x-opt-offset>'7'", EventPositionKind.Offset, 7, false)]
    [InlineData(" \tamqp.annotation.x-opt-offset\r\n>=\t'7' ", EventPositionKind.Offset, 7, true)]
    public void Parse_OfEachSpellingThatClientsUse_GivesThePosition(
        string selector, EventPositionKind kind, long value, bool inclusive)
    {
        var position = PositionFilter.Parse(selector);

        Assert.Null(position.Error);
        Assert.Equal(new EventPosition(kind, value, inclusive), position.Value);
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("x-opt-offset > '1'", 1)]
    [InlineData("amqp.annotation.x-opt-partition-key > '1'", 17)]
    [InlineData("amqp.annotation.x-opt-offsets > '1'", 17)]
    [InlineData("amqp.annotation.x-opt-offset", 29)]
    [InlineData("amqp.annotation.x-opt-offset < '1'", 30)]
    [InlineData("amqp.annotation.x-opt-offset <= '1'", 30)]
    [InlineData("amqp.annotation.x-opt-offset <> '1'", 30)]
    [InlineData("amqp.annotation.x-opt-offset != '1'", 30)]
    [InlineData("amqp.annotation.x-opt-offset > ", 32)]
    [InlineData("amqp.annotation.x-opt-offset > ''", 32)]
    [InlineData("amqp.annotation.x-opt-offset > '1", 32)]
    [InlineData("amqp.annotation.x-opt-offset > abc", 32)]
    [InlineData("amqp.annotation.x-opt-offset > 1.5", 32)]
    [InlineData("amqp.annotation.x-opt-offset > '@Latest'", 32)]
    [InlineData("amqp.annotation.x-opt-offset > 9223372036854775808", 32)]
    [InlineData("amqp.annotation.x-opt-offset > '1' OR 1=1", 36)]
    [InlineData("amqp.annotation.x-opt-offset > '1' AND amqp.annotation.x-opt-offset < '5'", 36)]
    public void Parse_OfAnythingElse_QuotesItAndNamesThePlace(string selector, int character)
    {
        var error = PositionFilter.Parse(selector).Error;

        Assert.NotNull(error);
        Assert.Equal(HubErrorCode.ArgumentInvalid, error.Code);
        Assert.Contains($"\"{selector}\" is not understood at character {character}:", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_OfAnOverlongSelector_QuotesOnlyItsBeginning()
    {
        var error = PositionFilter.Parse("amqp.annotation.x-opt-offset > '" + new string('1', 100_000) + "'").Error;

        Assert.NotNull(error);
        Assert.InRange(error.Message.Length, 1, 400);
    }

    [Fact]
    public void Parse_OfArbitraryText_NeverThrows() => Gen.OneOf(
            Gen.String,
            Gen.String[Gen.Char["amqp.notx-fse>=<'@l1 "], 0, 60].Select(s => "amqp.annotation.x-opt-" + s))
        .Sample(text => Assert.True(PositionFilter.Parse(text).IsOk || PositionFilter.Parse(text).Error is not null));
}
