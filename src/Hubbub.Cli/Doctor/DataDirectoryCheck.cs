using System.Globalization;
using Hubbub.Storage.Files;

namespace Hubbub.Cli.Doctor;

/// <summary>
/// May the hub write its data directory, is there room, do others see in, and how long does a sync take?
/// </summary>
internal static class DataDirectoryCheck
{
    private const string Subject = "data directory";
    private const long FreeBytesLow = 1L << 30;
    private const int SyncSamples = 20;
    private const double SlowSyncMs = 50;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    public static IEnumerable<Finding> Run(string dataDirectory, TimeProvider time)
    {
        var path = Path.GetFullPath(dataDirectory);
        var existing = NearestExisting(path);
        if (TrySync(existing, time, out var medianMs, out var isFull) is { } problem)
        {
            yield return Finding.Problem(
                Subject, $"'{existing}' cannot be written: {problem}",
                isFull
                    ? "Free some space, or bound the events with --retention-size; "
                        + "until then the hub refuses what it cannot store."
                    : "Make it writable for the hub's user, or name another one with --data DIR.");
            yield break;
        }
        yield return existing == path
            ? Finding.Ok(Subject, $"'{path}' can be written.")
            : Finding.Ok(Subject, $"'{path}' does not exist yet; 'hubbub up' can make it.");
        if (existing == path && !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
        {
            yield return Finding.Warning(
                Subject, $"'{path}' is open to other users, and it holds keys.",
                $"chmod 700 {ShellWord.Quote(path)}");
        }
        yield return medianMs > SlowSyncMs
            ? Finding.Warning(
                "disk", $"A sync takes {Ms(medianMs)}; every acknowledgement waits for one.",
                "Put the data directory on a local SSD.")
            : Finding.Ok("disk", $"A sync takes {Ms(medianMs)}.");
        var free = new DriveInfo(existing).AvailableFreeSpace;
        yield return free < FreeBytesLow
            ? Finding.Warning(
                "disk", $"{free / (1 << 20)} MiB are free.",
                "Free some space, or bound the events with --retention-size.")
            : Finding.Ok("disk", $"{free / (1 << 30)} GiB are free.");
    }

    private static string NearestExisting(string path)
    {
        var candidate = path;
        while (!Path.Exists(candidate) && Path.GetDirectoryName(candidate) is { } parent)
            candidate = parent;
        return candidate;
    }

    /// <summary>Writes and syncs a small file some times, as the event log does, and removes it.</summary>
    private static string? TrySync(string directory, TimeProvider time, out double medianMs, out bool isFull)
    {
        medianMs = 0;
        isFull = false;
        if (File.Exists(directory))
            return "It is a file.";
        var path = Path.Combine(directory, $".hubbub-doctor-{Environment.ProcessId}");
        try
        {
            var elapsed = new double[SyncSamples];
            using (var file = LocalFileSystem.Instance.Create(path))
            {
                var block = new byte[4096];
                for (var i = 0; i < SyncSamples; i++)
                {
                    var started = time.GetTimestamp();
                    file.Write(block, i * block.Length);
                    file.Sync();
                    elapsed[i] = time.GetElapsedTime(started).TotalMilliseconds;
                }
            }
            Array.Sort(elapsed);
            medianMs = elapsed[SyncSamples / 2];
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            isFull = e is StorageFullException;
            return e.Message;
        }
        finally
        {
            TryDelete(path);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What could not be written is not there.
        }
    }

    private static string Ms(double value) => value.ToString("0.00", CultureInfo.InvariantCulture) + " ms";
}
