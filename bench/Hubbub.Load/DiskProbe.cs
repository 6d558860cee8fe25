using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Hubbub.Load;

/// <summary>What the disk itself takes: a 4 KiB append and fdatasync, one at a time, in a preallocated file.</summary>
internal static partial class DiskProbe
{
    private const int Rounds = 3_000;
    private const int Size = 4_096;

    public static int Run(string directory)
    {
        var (p50, p99) = Measure(directory);
        Console.WriteLine($"4 KiB append + fdatasync: p50 {p50:F0} us, p99 {p99:F0} us");
        return 0;
    }

    /// <summary>Microseconds at the median and at the 99th percentile.</summary>
    public static (double P50Us, double P99Us) Measure(string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, "disk-probe");
        var times = new double[Rounds];
        var block = new byte[Size];
        using (var file = File.OpenHandle(
            path, FileMode.Create, FileAccess.ReadWrite, preallocationSize: (long)Rounds * Size))
        {
            for (var i = 0; i < Rounds; i++)
            {
                var started = Stopwatch.GetTimestamp();
                RandomAccess.Write(file, block, (long)i * Size);
                if (FdataSync(file.DangerousGetHandle()) != 0)
                    throw new IOException($"fdatasync failed with errno {Marshal.GetLastPInvokeError()}.");
                times[i] = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            }
        }
        File.Delete(path);
        Array.Sort(times);
        return (times[Rounds / 2], times[Rounds * 99 / 100]);
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FdataSync(nint fd);
}
