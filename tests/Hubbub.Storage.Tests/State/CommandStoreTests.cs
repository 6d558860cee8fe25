using Hubbub.Core.Commands;
using Hubbub.Storage.State;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Storage.Tests.State;

/// <summary>Commands and feedback in SQLite: what survives, what is one transaction, and what a start costs.</summary>
public sealed class CommandStoreTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TemporaryDirectory _directory = new();
    private readonly TemporaryDirectory _copy = new();
    private readonly FakeTimeProvider _time = new(Start);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _directory.Dispose();
        _copy.Dispose();
    }

    [Fact]
    public async Task Reopen_AfterEveryKindOfWrite_GivesBackWhatWasWritten()
    {
        var kept = Command(2) with { Target = new("d1", "m1"), MessageId = "späte \"id\"", Ack = FeedbackMode.Negative };
        var bare = Command(4) with { MessageId = null };
        var record = Record(1);
        using (var store = StateStore.Open(_directory.Path, _time))
        {
            Assert.Null(await store.WriteAsync(
                [
                    new CommandWrite.Add(Command(1), [1]),
                    new CommandWrite.Add(kept, [2, 2]),
                    new CommandWrite.Add(Command(3), []),
                    new CommandWrite.Add(bare, new byte[70_000]),
                ],
                Cancellation));
            Assert.Null(await store.WriteAsync(
                [
                    new CommandWrite.SetDeliveryCount(2, 7),
                    new CommandWrite.End(1, record),
                    new CommandWrite.End(3, null),
                ],
                Cancellation));
        }

        using var reopened = StateStore.Open(_directory.Path, _time);
        var snapshot = await ((ICommandStore)reopened).LoadAsync(Cancellation);

        Assert.Equal([kept with { DeliveryCount = 7 }, bare], snapshot.Commands);
        Assert.Equal([record], snapshot.Feedback);
        var payloads = await reopened.ReadPayloadsAsync([4, 1, 2], Cancellation);
        Assert.Equal([70_000, null, 2], payloads.Select(p => p?.Length));
        Assert.Null(await reopened.WriteAsync([new CommandWrite.RemoveFeedback(1)], Cancellation));
        Assert.Empty((await ((ICommandStore)reopened).LoadAsync(Cancellation)).Feedback);
    }

    [Fact]
    public async Task Numbers_OfWhatIsGone_AreNotForgotten()
    {
        using (var store = StateStore.Open(_directory.Path, _time))
        {
            await store.WriteAsync([new CommandWrite.Add(Command(41), [1])], Cancellation);
            await store.WriteAsync([new CommandWrite.End(41, Record(17))], Cancellation);
            await store.WriteAsync([new CommandWrite.RemoveFeedback(17)], Cancellation);
        }

        using var reopened = StateStore.Open(_directory.Path, _time);
        var snapshot = await ((ICommandStore)reopened).LoadAsync(Cancellation);

        Assert.Empty(snapshot.Commands);
        Assert.Equal((41, 17), (snapshot.LastCommand, snapshot.LastFeedback));
    }

    [Fact]
    public async Task Outcome_WhoseRecordCannotBeWritten_DidNotHappen()
    {
        using var store = StateStore.Open(_directory.Path, _time);
        await store.WriteAsync([new CommandWrite.Add(Command(1), [1]), new CommandWrite.Add(Command(2), [2])], Cancellation);
        await store.WriteAsync([new CommandWrite.End(1, Record(1))], Cancellation);

        // The record's number is taken, which fails its half of the transaction.
        await Assert.ThrowsAnyAsync<Exception>(
            () => store.WriteAsync([new CommandWrite.End(2, Record(1))], Cancellation).AsTask());

        var snapshot = await ((ICommandStore)store).LoadAsync(Cancellation);
        Assert.Equal([2], snapshot.Commands.Select(c => c.SequenceNumber));
        Assert.Equal([2], (await store.ReadPayloadsAsync([2], Cancellation))[0]!);
    }

    [Fact]
    public async Task Crash_AfterEachAcknowledgement_LosesNothingThatWasAcknowledged()
    {
        using var store = StateStore.Open(_directory.Path, _time);
        await store.WriteAsync([new CommandWrite.Add(Command(1), [1])], Cancellation);
        Assert.Equal("1:|", await AfterCrashAsync());
        await store.WriteAsync([new CommandWrite.Add(Command(2), [2])], Cancellation);
        Assert.Equal("1:2:|", await AfterCrashAsync());
        await store.WriteAsync([new CommandWrite.End(1, Record(1))], Cancellation);
        Assert.Equal("2:|1:", await AfterCrashAsync());
        await store.WriteAsync([new CommandWrite.RemoveFeedback(1)], Cancellation);
        Assert.Equal("2:|", await AfterCrashAsync());
    }

    [Fact]
    public async Task WriteAheadLog_ThatGrowsLong_IsBroughtIntoTheDatabaseAndBeginsAnew()
    {
        using var store = StateStore.Open(_directory.Path, _time);
        var (database, log) = (Path.Combine(_directory.Path, "state.db"), Path.Combine(_directory.Path, "state.db-wal"));
        const int Commands = 1_000;
        const int PayloadBytes = 65_536;
        for (var number = 1; number <= Commands; number++)
        {
            await store.WriteAsync([new CommandWrite.Add(Command(number), new byte[PayloadBytes])], Cancellation);
            await store.WriteAsync([new CommandWrite.End(number, null)], Cancellation);
        }

        // What was removed leaves its pages to what comes, so the database stays small; 64 MiB have gone through the log.
        Assert.InRange(new FileInfo(log).Length, 1 << 20, 20 << 20);
        Assert.InRange(new FileInfo(database).Length, PayloadBytes, 8 << 20);
    }

    /// <summary>What a start on the files as they lie on the disk now would find.</summary>
    private async Task<string> AfterCrashAsync()
    {
        foreach (var file in Directory.GetFiles(_copy.Path))
            File.Delete(file);
        foreach (var file in Directory.GetFiles(_directory.Path))
        {
            await using var from = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            await using var to = new FileStream(Path.Combine(_copy.Path, Path.GetFileName(file)), options);
            await from.CopyToAsync(to, Cancellation);
        }
        using var store = StateStore.Open(_copy.Path, _time);
        var snapshot = await ((ICommandStore)store).LoadAsync(Cancellation);
        var payloads = await store.ReadPayloadsAsync([.. snapshot.Commands.Select(c => c.SequenceNumber)], Cancellation);
        Assert.DoesNotContain(null, payloads);
        return string.Concat(snapshot.Commands.Select(c => $"{c.SequenceNumber}:")) + "|"
            + string.Concat(snapshot.Feedback.Select(f => $"{f.SequenceNumber}:"));
    }

    private static StoredCommand Command(long number) => new()
    {
        SequenceNumber = number,
        Target = new("d1"),
        GenerationId = "1",
        MessageId = $"m{number}",
        Ack = FeedbackMode.Full,
        EnqueuedAt = Start,
        ExpiresAt = Start.AddHours(1),
    };

    private static FeedbackRecord Record(long number) => new()
    {
        SequenceNumber = number,
        OriginalMessageId = $"m{number}",
        Target = new("d1", "m1"),
        GenerationId = "1",
        Outcome = CommandOutcome.Expired,
        HappenedAt = Start,
    };
}
