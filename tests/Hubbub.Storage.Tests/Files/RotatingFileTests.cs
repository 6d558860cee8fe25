using System.Globalization;
using System.Text;
using Hubbub.Storage.Files;
using Hubbub.Storage.Tests.Simulation;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Storage.Tests.Files;

/// <summary>
/// Files of lines that end by size and age, and what a crash makes of them. Run one seed again with HUBBUB_SEED=n.
/// </summary>
public sealed class RotatingFileTests
{
    private const string Folder = "/simulated/files";

    private static readonly int? OnlySeed =
        int.TryParse(Environment.GetEnvironmentVariable("HUBBUB_SEED"), out var seed) ? seed : null;

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 10, 0, 0, TimeSpan.Zero));
    private readonly SimulatedDisk _disk = new(seed: 1);

    [Fact]
    public void Append_BeyondTheSize_BeginsTheNextFileWithTheNextLines()
    {
        using var file = Make();
        file.Open(null);
        for (var i = 0; i < 5; i++)
            file.Append(Lines(i * 10, 10), i * 10);
        Assert.Equal(
            [
                $"{Folder}/plant-20260501T100000Z-000000000000.jsonl",
                $"{Folder}/plant-20260501T100000Z-000000000030.jsonl.part",
            ],
            _disk.Files(""));
        Assert.Equal(Enumerable.Range(0, 50), Numbers(_disk));
    }

    [Fact]
    public void Rotation_ByAge_FinishesASmallFile()
    {
        using var file = Make();
        file.Open(null);
        file.Append(Lines(0, 1), 0);
        file.RotateWhenDue();
        Assert.Single(_disk.Files(".part"));
        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromHours(1), file.DueAt);
        _time.Advance(TimeSpan.FromHours(1));
        file.RotateWhenDue();
        Assert.Empty(_disk.Files(".part"));
        Assert.Single(_disk.Files(".jsonl"));
        Assert.Null(file.State);
    }

    [Fact]
    public void Open_WithAState_CutsWhatWasWrittenLaterAndGoesOn()
    {
        string? state;
        using (var file = Make())
        {
            file.Open(null);
            file.Append(Lines(0, 3), 0);
            state = file.State;
            file.Append(Lines(3, 3), 3);
        }
        using var again = Make();
        again.Open(state);
        again.Append(Lines(3, 2), 3);
        Assert.Equal([0, 1, 2, 3, 4], Numbers(_disk));
        Assert.Single(_disk.Files(""));
    }

    [Fact]
    public void Open_WithOthersUnfinishedFiles_LeavesThem()
    {
        using (var other = Make("plant-20260101T000000Z"))
        {
            other.Open(null);
            other.Append(Lines(0, 1), 7);
        }
        using (var left = Make())
        {
            left.Open(null);
            left.Append(Lines(1, 1), 1);
        }
        using var file = Make();
        file.Open(null);
        Assert.Equal([$"{Folder}/plant-20260501T100000Z-000000000001.jsonl"], _disk.Files(".jsonl"));
        Assert.Single(_disk.Files(".part"));
    }

    [Fact]
    public void Begin_WhereTheNameIsTaken_TakesAnother()
    {
        for (var i = 0; i < 3; i++)
        {
            using var file = Make();
            file.Open(null);
            file.Append(Lines(i, 1), 0);
        }
        Assert.Equal(3, _disk.Files("").Count);
        Assert.Equal([0, 1, 2], Numbers(_disk));
    }

    [Fact]
    public void Append_OnAFullDisk_WritesNothingUntilThereIsRoom()
    {
        using var file = Make();
        file.Open(null);
        file.Append(Lines(0, 2), 0);
        _disk.CapacityBytes = _disk.Content(_disk.Files("")[0]).Length + 5;
        Assert.Throws<StorageFullException>(() => file.Append(Lines(2, 5), 2));
        _disk.CapacityBytes = long.MaxValue;
        file.Append(Lines(2, 1), 2);
        Assert.Equal([0, 1, 2], Numbers(_disk));
    }

    [Fact]
    public void Append_AfterSomebodyRemovedTheFile_BeginsAnother()
    {
        using var file = Make();
        file.Open(null);
        file.Append(Lines(0, 2), 0);
        _disk.Delete(Assert.Single(_disk.Files("")));
        file.RotateWhenDue();
        Assert.Null(file.State);
        file.Append(Lines(2, 2), 2);
        _disk.Delete(Assert.Single(_disk.Files("")));
        file.Append(Lines(4, 50), 4);
        file.RotateWhenDue();
        Assert.Equal([$"{Folder}/plant-20260501T100000Z-000000000004.jsonl"], _disk.Files(""));
        Assert.Equal(Enumerable.Range(4, 50), Numbers(_disk));
    }

    [Fact]
    public void Append_AfterAFailedSync_WritesTheLinesAnew()
    {
        using var file = Make();
        file.Open(null);
        file.Append(Lines(0, 2), 0);
        _disk.Fails = static (call, _) => call == DiskCall.Sync;
        Assert.Throws<IOException>(() => file.Append(Lines(2, 5), 2));
        _disk.Fails = null;
        file.Append(Lines(2, 1), 2);
        Assert.Equal([0, 1, 2], Numbers(_disk));
    }

    [Fact]
    public void PowerCut_AtRandomMoments_LosesNoLineAndLeavesNoneTorn()
    {
        for (var seed = OnlySeed ?? 1; seed < (OnlySeed + 1 ?? 1500); seed++)
        {
            try
            {
                LiveAndDie(seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"HUBBUB_SEED={seed}: {e.Message}", e);
            }
        }
    }

    /// <summary>Appends with a position that is stored now and then, as a dispatcher does, on a disk that forgets.</summary>
    private void LiveAndDie(int seed)
    {
        var disk = new SimulatedDisk(seed);
        var random = new Random(seed);
        var (next, state) = (0, (string?)null);
        var finished = new Dictionary<string, byte[]>();
        for (var life = 0; life < 4; life++)
        {
            disk.CutPowerAtCall = life == 3 ? -1 : disk.CallCount + random.Next(1, 40);
            try
            {
                using var file = Make(disk: disk);
                file.Open(state);
                var at = next;
                for (var step = 0; step < 25; step++)
                {
                    var count = random.Next(1, 30);
                    file.Append(Lines(at, count), at);
                    at += count;
                    _time.Advance(TimeSpan.FromMinutes(random.Next(20)));
                    if (random.Next(3) == 0)
                        (next, state) = (at, file.State);
                    if (random.Next(5) == 0)
                        file.RotateWhenDue();
                }
                (next, state) = (at, file.State);
            }
            catch (PowerCutException)
            {
            }
            disk.Restart();
            var numbers = Numbers(disk, mayBeTorn: true).ToHashSet();
            Assert.All(Enumerable.Range(0, next), number => Assert.Contains(number, numbers));
            foreach (var (path, content) in finished)
                Assert.True(disk.Content(path).AsSpan().SequenceEqual(content), $"{path} has changed.");
            finished = disk.Files(".jsonl").ToDictionary(static path => path, disk.Content);
        }
        using (var last = Make(disk: disk))
            last.Open(null);
        Assert.Empty(disk.Files(".part"));
        Assert.Equal(Enumerable.Range(0, next), Numbers(disk).Distinct().Order());
    }

    private RotatingFile Make(string prefix = "plant", SimulatedDisk? disk = null) => new(
        disk ?? _disk, Folder, new RotatingFileName(prefix, ".jsonl"), 500, TimeSpan.FromHours(1), IsWhole, _time);

    private static byte[] Lines(int first, int count)
    {
        var text = new StringBuilder();
        for (var i = first; i < first + count; i++)
            text.Append(CultureInfo.InvariantCulture, $"<line number {i}>\n");
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private static bool IsWhole(ReadOnlyMemory<byte> line)
    {
        var text = Encoding.ASCII.GetString(line.Span);
        return text.StartsWith("<line number ", StringComparison.Ordinal) && text.EndsWith('>')
            && int.TryParse(text.AsSpan(13, text.Length - 14), NumberStyles.None, CultureInfo.InvariantCulture, out _);
    }

    /// <summary>The numbers of all lines in the order of the files; every line must be whole.</summary>
    private static List<int> Numbers(SimulatedDisk disk, bool mayBeTorn = false)
    {
        var numbers = new List<int>();
        foreach (var path in disk.Files(""))
        {
            var lines = Encoding.ASCII.GetString(disk.Content(path)).Split('\n');
            Assert.True(mayBeTorn || lines[^1].Length == 0, $"{path} ends within a line.");
            foreach (var line in lines[..^1])
            {
                var isWhole = IsWhole(Encoding.ASCII.GetBytes(line));
                Assert.True(isWhole || mayBeTorn, $"{path} has the line '{line}'.");
                if (isWhole)
                    numbers.Add(int.Parse(line.AsSpan(13, line.Length - 14), CultureInfo.InvariantCulture));
            }
        }
        return numbers;
    }
}
