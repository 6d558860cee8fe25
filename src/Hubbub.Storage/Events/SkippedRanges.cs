using System.Globalization;
using System.Text;

namespace Hubbub.Storage.Events;

/// <summary>
/// The damaged parts of a partition that an operator decided to do without. A text file, one "from to" a line, so that
/// it can be read, and written by hand while the hub is stopped. Without an entry readers stop in front of damage.
/// </summary>
internal sealed class SkippedRanges
{
    private const string FileName = "skipped";
    private const int FileBytesMax = 1024 * 1024;
    private readonly PartitionContext _context;
    private readonly Lock _lock = new();
    private (long From, long To)[] _ranges;

    public SkippedRanges(PartitionContext context) => (_context, _ranges) = (context, Read(context));

    /// <summary>The end of the skipped part around a position; the position itself when there is none.</summary>
    public long EndAround(long position)
    {
        foreach (var (from, to) in Volatile.Read(ref _ranges))
        {
            if (position >= from && position < to)
                return to;
        }
        return position;
    }

    /// <summary>Adds a part; durable on return.</summary>
    public void Add(long from, long to)
    {
        lock (_lock)
        {
            (long From, long To)[] ranges = [.. _ranges, (from, to)];
            var text = new StringBuilder();
            foreach (var range in ranges)
                text.Append(CultureInfo.InvariantCulture, $"{range.From} {range.To}\n");
            var temporary = _context.PathOf(FileName + ".new");
            using (var file = _context.Files.Create(temporary))
            {
                file.Write(Encoding.ASCII.GetBytes(text.ToString()), 0);
                file.Sync();
            }
            _context.Files.Rename(temporary, _context.PathOf(FileName));
            _context.Files.SyncDirectory(_context.Directory);
            Volatile.Write(ref _ranges, ranges);
        }
    }

    private static (long From, long To)[] Read(PartitionContext context)
    {
        byte[] bytes;
        try
        {
            using var file = context.Files.Open(context.PathOf(FileName));
            bytes = new byte[Math.Min(file.Length, FileBytesMax)];
            file.Read(bytes, 0);
        }
        catch (FileNotFoundException)
        {
            return [];
        }
        var ranges = new List<(long, long)>();
        foreach (var line in Encoding.ASCII.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(' ') is not [var from, var to]
                || !long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var begin)
                || !long.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var end))
            {
                throw new EventLogFormatException(
                    $"{context.PathOf(FileName)} has the line '{line}'; expected two positions");
            }
            ranges.Add((begin, end));
        }
        return [.. ranges];
    }
}
