using Hubbub.Core.Events;
using Hubbub.Storage.Events;
using Hubbub.Storage.Tests.Simulation;

namespace Hubbub.Storage.Tests.Events;

/// <summary>What happens when the disk gives back something else than was written.</summary>
public sealed class DamageTests
{
    [Fact]
    public async Task BitFlip_InTheMiddle_IsReportedKeptAndNotPassedSilently()
    {
        await using var log = new SteppedLog();
        log.Fill(10);
        var events = log.Partition.ReadAll();
        var file = log.Disk.Files(".segment")[0];
        var before = log.Disk.Content(file);
        log.Disk.Damage(file, (int)events[4].Offset + 100, "X"u8);

        using var cursor = log.Partition.Open(EventPosition.Earliest).Value;
        var read = new List<long>();
        var damaged = Assert.Throws<EventLogDamagedException>(() =>
        {
            while (cursor.Load())
            {
                while (cursor.TryRead(out var view))
                    read.Add(view.SequenceNumber);
            }
        });
        Assert.Equal([0L, 1, 2, 3], read);
        Assert.Contains(file, damaged.Message, StringComparison.Ordinal);
        // Asking again does not help, and nothing was changed.
        Assert.Throws<EventLogDamagedException>(() => cursor.Load());
        Assert.Equal(before.Length, log.Disk.Content(file).Length);
        var report = log.Observer.Damages[0];
        Assert.NotEqual(report.ExpectedChecksum, report.ActualChecksum);
        Assert.True(report.Position < events[4].Offset && report.ResumePosition < events[5].Offset);
        // A reader that starts behind it is not concerned.
        Assert.Equal(5, log.Partition.ReadAll(new EventPosition(EventPositionKind.SequenceNumber, 4)).Count);
    }

    [Fact]
    public async Task Batch_WrittenToTheWrongPlace_IsFoundAlthoughItsChecksumIsRight()
    {
        await using var log = new SteppedLog();
        log.Fill(6);
        var events = log.Partition.ReadAll();
        var file = log.Disk.Files(".segment")[0];
        var stride = (int)(events[3].Offset - events[2].Offset);
        var second = (int)events[1].Offset - BatchHeader.Size;
        log.Disk.Damage(file, second + (2 * stride), log.Disk.Content(file).AsSpan(second, stride));
        Assert.Equal([0L, 1, 2], ReadUntilDamage(log.Partition));
        Assert.Single(log.Observer.Damages);
    }

    [Fact]
    public async Task Skip_DamagedPart_ReadersPassItAlsoAfterARestart()
    {
        var disk = new SimulatedDisk(seed: 2);
        await using (var log = new SteppedLog(disk))
        {
            log.Fill(10);
            disk.Damage(disk.Files(".segment")[0], (int)log.Partition.ReadAll()[4].Offset + 100, "X"u8);
            Assert.Throws<EventLogDamagedException>(() => log.Partition.ReadAll());
            log.Log.Skip(log.Observer.Damages[0]);
            Assert.Equal([0L, 1, 2, 3, 5, 6, 7, 8, 9], log.Partition.ReadAll().Select(e => e.Sequence));
        }
        disk.Restart();
        await using var again = new SteppedLog(disk);
        Assert.Equal([0L, 1, 2, 3, 5, 6, 7, 8, 9], again.Partition.ReadAll().Select(e => e.Sequence));
    }

    [Fact]
    public void Reopen_DamagedBatchBeforeReadableOnes_IsNotTakenForTheEnd()
    {
        var disk = new SimulatedDisk(seed: 3);
        var log = new SteppedLog(disk);
        log.Fill(10);
        disk.Damage(disk.Files(".segment")[0], (int)log.Partition.ReadAll()[4].Offset + 100, "X"u8);
        disk.RestartProcess();

        var again = new SteppedLog(disk);
        Assert.Single(again.Observer.Damages);
        Assert.Empty(again.Observer.Cuts);
        Assert.Equal(9, again.Partition.State.LastSequenceNumber);
        again.Fill(1, "after");
        Assert.Equal(10, again.Partition.State.LastSequenceNumber);
        Assert.Throws<EventLogDamagedException>(() => again.Partition.ReadAll());
        Assert.Equal(6, again.Partition.ReadAll(new EventPosition(EventPositionKind.SequenceNumber, 4)).Count);
    }

    [Fact]
    public void Reopen_LastBatchDamagedAfterItWasSealed_IsReportedAndItsNumberIsNotGivenAgain()
    {
        var disk = new SimulatedDisk(seed: 4);
        var log = new SteppedLog(disk);
        log.Fill(3);
        log.Seal();
        disk.Damage(disk.Files(".segment")[0], (int)log.Partition.ReadAll()[2].Offset + 100, "X"u8);
        disk.RestartProcess();

        var again = new SteppedLog(disk);
        Assert.Single(again.Observer.Damages);
        Assert.Equal(2, again.Partition.State.LastSequenceNumber);
        again.Fill(1, "after");
        var behind = new EventPosition(EventPositionKind.SequenceNumber, 2);
        Assert.Equal([3L], again.Partition.ReadAll(behind).Select(e => e.Sequence));
    }

    [Fact]
    public async Task Reopen_EndCutOffAfterACleanShutdown_IsReportedAndItsNumbersAreNotGivenAgain()
    {
        var disk = new SimulatedDisk(seed: 5);
        long lastOffset;
        await using (var log = new SteppedLog(disk))
        {
            log.Fill(3);
            lastOffset = log.Partition.State.LastOffset;
        }
        using (var file = disk.Open(disk.Files(".segment")[0]))
        {
            file.Truncate(1500); // In the second event.
            file.Sync();
        }

        await using var again = new SteppedLog(disk);
        Assert.Single(again.Observer.Damages);
        Assert.Equal(2, again.Partition.State.LastSequenceNumber);
        again.Fill(1, "after");
        Assert.True(again.Partition.State.LastOffset > lastOffset);
        Assert.Equal(3, again.Partition.State.LastSequenceNumber);
        Assert.Equal(0, Assert.Single(ReadUntilDamage(again.Partition)));
    }

    [Fact]
    public void Reopen_TornBatchAtTheEnd_IsCutAndReported()
    {
        var disk = new SimulatedDisk(seed: 6);
        var log = new SteppedLog(disk);
        log.Fill(3);
        // The fourth event's write: half of it arrives, and the process ends before its sync.
        disk.Fails = (call, _) => call == DiskCall.Write;
        log.Append(new string('x', 4000));
        log.Commit();
        Assert.Single(log.Observer.Fatals);
        disk.RestartProcess();

        var again = new SteppedLog(disk);
        Assert.Empty(again.Observer.Damages);
        Assert.Single(again.Observer.Cuts);
        Assert.Equal(2, again.Partition.State.LastSequenceNumber);
        again.Fill(1, "after");
        Assert.Equal(4, again.Partition.ReadAll().Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Reopen_SegmentWithADamagedHeader_StillServesItsEvents(int segment)
    {
        var disk = new SimulatedDisk(seed: 7);
        var log = new SteppedLog(disk);
        log.Fill(20); // Two segments.
        Assert.Equal(2, disk.Files(".segment").Count);
        disk.Damage(disk.Files(".segment")[segment], 30, "????"u8);
        disk.RestartProcess();

        var again = new SteppedLog(disk);
        Assert.Single(again.Observer.Damages);
        Assert.Equal(20, again.Partition.ReadAll().Count);
    }

    [Fact]
    public void Reopen_NewestSegmentDestroyed_SaysWhichFileAndRefusesToGuess()
    {
        var disk = new SimulatedDisk(seed: 8);
        var log = new SteppedLog(disk);
        log.Fill(20);
        var file = disk.Files(".segment")[1];
        disk.Damage(file, 0, new byte[disk.Content(file).Length]);
        disk.RestartProcess();
        var refused = Assert.Throws<EventLogDamagedException>(() => new SteppedLog(disk));
        Assert.Contains(file, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reopen_IndexFileDamaged_IsBuiltAgain()
    {
        var disk = new SimulatedDisk(seed: 9);
        var log = new SteppedLog(disk);
        log.Fill(40);
        foreach (var index in disk.Files(".index"))
            disk.Damage(index, 50, "????"u8);
        disk.RestartProcess();

        var again = new SteppedLog(disk);
        foreach (var sequence in new long[] { 0, 17, 30, 38 })
        {
            var position = new EventPosition(EventPositionKind.SequenceNumber, sequence);
            Assert.Equal(sequence + 1, again.Partition.ReadAll(position)[0].Sequence);
        }
        Assert.Empty(again.Observer.Damages);
    }

    [Fact]
    public void AnyChangedByte_IsFoundOrHarmless()
    {
        // Every byte of a small log in turn: whatever is read is right, and what is not read is reported.
        var disk = new SimulatedDisk(seed: 10);
        var log = new SteppedLog(disk);
        for (var i = 0; i < 5; i++)
        {
            log.Append($"event {i}");
            log.Commit();
        }
        log.Seal();
        var file = disk.Files(".segment")[0];
        var end = (int)log.Partition.Writer.Tail.End;
        var expected = log.Partition.ReadAll();
        var original = disk.Content(file);
        for (var at = 0; at < end; at++)
        {
            disk.Damage(file, at, [(byte)(original[at] ^ (1 << (at % 8)))]);
            disk.RestartProcess();
            var again = new SteppedLog(disk);
            Assert.Equal(4, again.Partition.State.LastSequenceNumber);
            var read = ReadUntilDamage(again.Partition);
            Assert.Equal(expected.Take(read.Count).Select(e => e.Sequence), read);
            // The seal's own bytes hold nothing; without it the end is just not sealed.
            Assert.True(again.Observer.Damages.Count > 0 || at >= end - BatchHeader.Size, $"byte {at} went unnoticed");
            disk.Damage(file, 0, original);
        }
    }

    private static List<long> ReadUntilDamage(EventPartition partition)
    {
        var read = new List<long>();
        using var cursor = partition.Open(EventPosition.Earliest).Value;
        try
        {
            while (cursor.Load())
            {
                while (cursor.TryRead(out var view))
                    read.Add(view.SequenceNumber);
            }
        }
        catch (EventLogDamagedException)
        {
            // What was readable before it counts.
        }
        return read;
    }
}
