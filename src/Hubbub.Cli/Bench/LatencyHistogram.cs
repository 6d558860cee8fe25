using System.Numerics;

namespace Hubbub.Cli.Bench;

/// <summary>
/// Latencies in microseconds, counted in buckets whose width is at most 1/32 of their value: any number of samples in
/// a few kilobytes, each percentile within 3 %. Safe for concurrent use.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 5;
    private const int SubCount = 1 << SubBits;
    private readonly long[] _counts = new long[(64 - SubBits) << SubBits];
    private long _count;
    private long _maxUs;

    public long Count => Volatile.Read(ref _count);

    /// <summary>The longest, exactly.</summary>
    public TimeSpan Max => TimeSpan.FromMicroseconds(Volatile.Read(ref _maxUs));

    public void Add(TimeSpan latency)
    {
        var us = Math.Max(0, (long)latency.TotalMicroseconds);
        Interlocked.Increment(ref _counts[BucketOf(us)]);
        Interlocked.Increment(ref _count);
        for (var max = Volatile.Read(ref _maxUs); us > max;)
        {
            var seen = Interlocked.CompareExchange(ref _maxUs, us, max);
            if (seen == max)
                break;
            max = seen;
        }
    }

    /// <summary>Forgets what was counted so far: a warm-up.</summary>
    public void Clear()
    {
        Array.Clear(_counts);
        _count = 0;
        _maxUs = 0;
    }

    /// <summary>
    /// The latency that <paramref name="percent"/> of the samples did not exceed; zero without samples.
    /// </summary>
    public TimeSpan Percentile(double percent)
    {
        var wanted = (long)Math.Ceiling(Count * percent / 100);
        long seen = 0;
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += Volatile.Read(ref _counts[bucket]);
            if (seen >= wanted && seen > 0)
                return TimeSpan.FromMicroseconds(Math.Min(UpperBoundOf(bucket), Volatile.Read(ref _maxUs)));
        }
        return TimeSpan.Zero;
    }

    /// <summary>Values below 64 have a bucket each; above, every power of two is divided into 32.</summary>
    private static int BucketOf(long us)
    {
        var shift = Math.Max(0, BitOperations.Log2((ulong)us | 1) - SubBits);
        return (shift << SubBits) + (int)(us >> shift);
    }

    private static long UpperBoundOf(int bucket)
    {
        var shift = Math.Max(0, (bucket >> SubBits) - 1);
        var sub = (long)bucket - (shift << SubBits);
        return ((sub + 1) << shift) - 1;
    }
}
