namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Delivery into files on the hub's disk, one JSON object a line.</summary>
public sealed record JsonFileOptions : SinkOptions
{
    /// <summary>
    /// Where the files go: relative to <see cref="SinkPolicy.FileDirectory"/>, or absolute within one of
    /// <see cref="SinkPolicy.AllowedDirectories"/>.
    /// </summary>
    public required string Directory { get; init; }

    /// <summary>The size at which a file is closed and the next begun. A file never ends within an event.</summary>
    public long RotateBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>The age at which a file is closed, even when it is small.</summary>
    public TimeSpan RotateAfter { get; init; } = TimeSpan.FromHours(1);

    public override DispatchOptions DefaultDispatch => new()
    {
        BatchCountMax = 10_000,
        BatchBytesMax = 4 * 1024 * 1024,
        Linger = TimeSpan.FromSeconds(1),
    };

    public override string? Validate(SinkPolicy policy)
    {
        if (ResolveDirectory(policy) is null)
        {
            return Path.IsPathRooted(Directory)
                ? $"The directory '{Directory}' is not one that this hub lets file endpoints write to; "
                    + "name a relative one, or start the hub with --file-directory."
                : "The directory of a file endpoint must be a path that stays below the hub's own.";
        }
        if (RotateBytes < DispatchLimits.RotateBytesMin)
            return $"Files must be allowed {DispatchLimits.RotateBytesMin} bytes at least before the next is begun.";
        if (RotateAfter < TimeSpan.FromSeconds(1) || RotateAfter > TimeSpan.FromDays(31))
            return "The age at which the next file is begun must be 1 second to 31 days.";
        return null;
    }

    /// <summary>The directory as an absolute path; null when <paramref name="policy"/> does not allow it.</summary>
    public string? ResolveDirectory(SinkPolicy policy)
    {
        if (Directory.Length is 0 or > DispatchLimits.PathLengthMax
            || Directory.Contains('\0', StringComparison.Ordinal))
            return null;
        if (!Path.IsPathRooted(Directory))
        {
            var below = Path.GetFullPath(Directory, policy.FileDirectory);
            return IsWithin(below, policy.FileDirectory) ? below : null;
        }
        var path = Path.GetFullPath(Directory);
        foreach (var allowed in policy.AllowedDirectories)
        {
            if (IsWithin(path, allowed))
                return path;
        }
        return null;
    }

    private static bool IsWithin(string path, string directory)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        return path.Equals(root, StringComparison.Ordinal)
            || (path.StartsWith(root, StringComparison.Ordinal)
                && (Path.EndsInDirectorySeparator(root) || path[root.Length] == Path.DirectorySeparatorChar));
    }
}
