using System.Runtime.InteropServices;

namespace Hubbub.Load;

/// <summary>
/// Touches memory that the machine has not used yet. In a virtual machine the first touch of a page is a trip to the
/// host, of 10 us and more; whoever fills the page cache first, which is the hub under its first load, would pay for it.
/// </summary>
internal static class MemoryTouch
{
    private const int PageBytes = 4_096;
    private const long BlockBytes = 64L << 20;

    private const int ShareOfFree = 2;

    /// <summary>Touches so much, or half of what is free, and gives it back.</summary>
    public static unsafe int Run(int gibibytes)
    {
        var bytes = Math.Min((long)gibibytes << 30, FreeBytes() / ShareOfFree);
        var blocks = new List<nint>();
        for (long touched = 0; touched < bytes; touched += BlockBytes)
        {
            var block = (byte*)NativeMemory.Alloc((nuint)BlockBytes);
            blocks.Add((nint)block);
            for (long at = 0; at < BlockBytes; at += PageBytes)
                block[at] = 1;
        }
        foreach (var block in blocks)
            NativeMemory.Free((void*)block);
        return 0;
    }

    // proc(5): "MemFree:   123456 kB".
    private static long FreeBytes() =>
        long.Parse(File.ReadLines("/proc/meminfo").First(static line => line.StartsWith("MemFree", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) << 10;
}
