namespace Hubbub.Load;

/// <summary>The processes that this one started and waited for.</summary>
internal static class ChildProcesses
{
    private const int TicksPerSecond = 100;

    /// <summary>Processor time that all of them used (proc(5): cutime and cstime of /proc/self/stat).</summary>
    public static TimeSpan ProcessorTime
    {
        get
        {
            var stat = File.ReadAllText("/proc/self/stat");
            // The name of the program stands in parentheses and may hold anything; the third field follows it.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return TimeSpan.FromSeconds((double)(long.Parse(fields[13]) + long.Parse(fields[14])) / TicksPerSecond);
        }
    }
}
