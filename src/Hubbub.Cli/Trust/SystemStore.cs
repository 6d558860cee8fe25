using System.ComponentModel;
using System.Diagnostics;

namespace Hubbub.Cli.Trust;

/// <summary>Where a Linux distribution takes further authorities from, and the program that makes it look.</summary>
/// <param name="Directory">Holds a PEM file for each authority.</param>
/// <param name="Update">The program, with its arguments.</param>
/// <param name="UpdateAfterRemoval">The same, after a file was removed.</param>
internal sealed record SystemStore(string Directory, string[] Update, string[] UpdateAfterRemoval)
{
    private const UnixFileMode ReadableByAll =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static readonly SystemStore[] Known =
    [
        // Debian, Ubuntu, Alpine.
        new("/usr/local/share/ca-certificates", ["update-ca-certificates"], ["update-ca-certificates", "--fresh"]),
        // Fedora, RHEL.
        new("/etc/pki/ca-trust/source/anchors", ["update-ca-trust"], ["update-ca-trust"]),
        // Arch.
        new("/etc/ca-certificates/trust-source/anchors", ["update-ca-trust"], ["update-ca-trust"]),
        // openSUSE.
        new("/etc/pki/trust/anchors", ["update-ca-certificates"], ["update-ca-certificates"]),
    ];

    /// <summary>The store of this machine; null when it has none of a known kind.</summary>
    public static SystemStore? Find() => Known.FirstOrDefault(store => System.IO.Directory.Exists(store.Directory));

    public string PathOf(string fileName) => Path.Combine(Directory, fileName);

    /// <summary>The authorities of hubs that are in the store; empty when that may not be seen.</summary>
    public string[] Installed()
    {
        try
        {
            return System.IO.Directory.GetFiles(Directory, "hubbub-*.crt");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Adds an authority, all or nothing: what was there before is there again when it fails.</summary>
    public async Task AddAsync(string authorityPath, string fileName, CancellationToken cancellationToken)
    {
        var target = PathOf(fileName);
        var before = TryRead(target);
        try
        {
            File.Copy(authorityPath, target, overwrite: true);
            // The copy has the modes of the hub's own file, which a careful umask may have closed.
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(target, ReadableByAll);
            await RunAsync(Update, cancellationToken);
        }
        catch (Exception e) when (IsExpected(e))
        {
            PutBack(target, before);
            throw new CommandFailedException(
                $"the CA was not installed in {Directory}: {e.Message.TrimEnd('.')}; see 'hubbub trust --print'.",
                inner: e);
        }
    }

    /// <summary>Takes an authority out, all or nothing: after a failure it can be tried again.</summary>
    /// <returns>False when it was not in.</returns>
    public async Task<bool> RemoveAsync(string fileName, CancellationToken cancellationToken)
    {
        var target = PathOf(fileName);
        if (!File.Exists(target))
            return false;
        var before = TryRead(target);
        try
        {
            File.Delete(target);
            await RunAsync(UpdateAfterRemoval, cancellationToken);
            return true;
        }
        catch (Exception e) when (IsExpected(e))
        {
            PutBack(target, before);
            throw new CommandFailedException(
                $"{target} was not removed: {e.Message.TrimEnd('.')}; see 'hubbub trust --remove --print'.", inner: e);
        }
    }

    private static bool IsExpected(Exception e) => e is IOException or UnauthorizedAccessException or Win32Exception;

    private static async Task RunAsync(string[] command, CancellationToken cancellationToken)
    {
        using var process = Process.Start(
            new ProcessStartInfo(command[0], command[1..])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            throw new IOException($"{command[0]} failed ({process.ExitCode}): {(await error).Trim()}");
    }

    private static byte[]? TryRead(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (IsExpected(e))
        {
            return null;
        }
    }

    private static void PutBack(string path, byte[]? before)
    {
        try
        {
            if (before is null)
                File.Delete(path);
            else
                File.WriteAllBytes(path, before);
        }
        catch (Exception e) when (IsExpected(e))
        {
            // What could not be written before cannot be now; the first failure is the one that is told.
        }
    }
}
