using System.Globalization;

namespace Hubbub.Storage.Files;

/// <summary>
/// Lines appended to files of bounded size and age: the one being written is called <c>....part</c> and renamed in one
/// step when it is done, so that whoever collects the files never sees an unfinished one. What
/// <see cref="Append"/> has written is on stable storage when it returns. One caller at a time.
/// </summary>
/// <param name="files">The file system.</param>
/// <param name="directory">Where the files lie, absolute; made when needed.</param>
/// <param name="names">How the files are called.</param>
/// <param name="bytesMax">The size from which on the next file is begun.</param>
/// <param name="ageMax">The age from which on the next file is begun.</param>
/// <param name="isWhole">True for a line that was written as it is; tells what a crash has spoiled.</param>
/// <param name="time">The clock.</param>
public sealed class RotatingFile(
    IFileSystem files,
    string directory,
    RotatingFileName names,
    long bytesMax,
    TimeSpan ageMax,
    Predicate<ReadOnlyMemory<byte>> isWhole,
    TimeProvider time)
    : IDisposable
{
    private IStorageFile? _file;
    private string _name = "";
    private long _length;
    private DateTimeOffset _createdAt;
    private bool _mayBeTorn;

    /// <summary>
    /// The unfinished file and how much of it is good: given to <see cref="Open"/> after a restart, it makes that cut
    /// off what was written later. Null when there is no unfinished file.
    /// </summary>
    public string? State => _file is null ? null : string.Create(CultureInfo.InvariantCulture, $"{_length} {_name}");

    /// <summary>How many bytes the unfinished file, or the next one, takes before another is begun.</summary>
    public long RoomBytes => _file is null || _length >= bytesMax ? bytesMax : bytesMax - _length;

    /// <summary>When the unfinished file is to be finished for its age; null when there is none.</summary>
    public DateTimeOffset? DueAt => _file is null ? null : _createdAt + ageMax;

    /// <summary>
    /// Takes up the unfinished file of a state, and finishes all others of this name: those that a crash has left.
    /// </summary>
    /// <exception cref="IOException">The directory or a file cannot be used; call it again later.</exception>
    public void Open(string? state)
    {
        Close();
        files.CreateDirectory(directory);
        var (good, current) = Parse(state);
        foreach (var found in files.List(directory))
        {
            if (!names.IsUnfinished(found.Name))
                continue;
            if (found.Name == current)
                Resume(found.Name, good);
            else
                FinishOrphan(found.Name);
        }
    }

    /// <summary>Writes lines to the file, after beginning a new one where that is due, and syncs.</summary>
    /// <param name="lines">Whole lines, ended by line feeds.</param>
    /// <param name="firstNumber">A number for the name of a file that begins with these lines.</param>
    /// <exception cref="StorageFullException">There is no room.</exception>
    /// <exception cref="IOException">
    /// It failed; none of the lines count as written, and the next call cuts off what is there of them.
    /// </exception>
    public void Append(ReadOnlySpan<byte> lines, long firstNumber)
    {
        RotateWhenDue();
        if (_file is null)
            Begin(firstNumber);
        if (_mayBeTorn)
            CutTo(_length);
        _mayBeTorn = true;
        _file!.Write(lines, _length);
        _file.Sync();
        _mayBeTorn = false;
        _length += lines.Length;
    }

    /// <summary>Finishes the file when it is large or old enough.</summary>
    /// <exception cref="IOException">It failed; it is tried again at the next call.</exception>
    public void RotateWhenDue()
    {
        LeaveWhatIsGone();
        if (_file is null || (_length < bytesMax && time.GetUtcNow() < DueAt))
            return;
        if (_mayBeTorn)
            CutTo(_length);
        if (_length == 0)
            return;
        Finish(_name);
        _file.Dispose();
        _file = null;
    }

    /// <summary>Leaves the unfinished file as it is, for <see cref="Open"/>.</summary>
    public void Dispose() => Close();

    private void Close()
    {
        _file?.Dispose();
        (_file, _mayBeTorn) = (null, false);
    }

    /// <summary>
    /// Somebody may have removed the unfinished file, or the directory: what goes on being written into it is seen by
    /// nobody, and it can never be finished.
    /// </summary>
    private void LeaveWhatIsGone()
    {
        if (_file is not null && !files.Exists(Path.Combine(directory, _name)))
            Close();
    }

    private void Begin(long firstNumber)
    {
        files.CreateDirectory(directory);
        var now = time.GetUtcNow();
        var taken = files.List(directory).Select(static file => file.Name).ToHashSet(StringComparer.Ordinal);
        var name = names.Unfinished(now, firstNumber);
        // Never an existing one: creating would empty it.
        for (var later = now; taken.Contains(name) || taken.Contains(RotatingFileName.Finished(name));)
        {
            later += TimeSpan.FromSeconds(1);
            name = names.Unfinished(later, firstNumber);
        }
        var path = Path.Combine(directory, name);
        var file = files.Create(path);
        try
        {
            files.SyncDirectory(directory);
        }
        catch
        {
            file.Dispose();
            files.Delete(path);
            throw;
        }
        (_file, _name, _length, _createdAt) = (file, name, 0, now);
    }

    private void Resume(string name, long good)
    {
        var file = files.Open(Path.Combine(directory, name));
        (_file, _name, _length) = (file, name, good);
        _createdAt = names.TimeOf(name);
        // Shorter than it was synced: somebody else cut it, and maybe within a line.
        if (file.Length < good)
            _length = WholeLines.EndOf(file, isWhole);
        CutTo(_length);
    }

    private void FinishOrphan(string name)
    {
        using (var file = files.Open(Path.Combine(directory, name)))
        {
            var end = WholeLines.EndOf(file, isWhole);
            if (end == 0)
            {
                files.Delete(Path.Combine(directory, name));
                return;
            }
            if (end < file.Length)
                file.Truncate(end);
            file.Sync();
        }
        Finish(name);
    }

    private void CutTo(long length)
    {
        if (_file!.Length > length)
        {
            _file.Truncate(length);
            _file.Sync();
        }
        _mayBeTorn = false;
    }

    private void Finish(string name)
    {
        files.Rename(Path.Combine(directory, name), Path.Combine(directory, RotatingFileName.Finished(name)));
        files.SyncDirectory(directory);
    }

    private static (long Length, string? Name) Parse(string? state)
    {
        var space = state?.IndexOf(' ', StringComparison.Ordinal) ?? -1;
        return space > 0
            && long.TryParse(state.AsSpan(0, space), NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            ? (length, state![(space + 1)..])
            : (0, null);
    }
}
