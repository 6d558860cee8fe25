using Hubbub.Storage.Files;

namespace Hubbub.Storage.Tests.Simulation;

/// <summary>What a program asks of the disk; only calls that change something are counted.</summary>
internal enum DiskCall
{
    Create,
    Rename,
    Delete,
    SyncDirectory,
    Write,
    Allocate,
    Truncate,
    Sync,
}

/// <summary>The power went; every call fails until <see cref="SimulatedDisk.Restart"/>.</summary>
internal sealed class PowerCutException() : IOException("Simulated power cut");

/// <summary>
/// A disk in memory that is as unkind as a real one may be. What was not synced is lost at a power cut in any subset of
/// 512-byte sectors, in any order; names are lost unless their directory was synced. Deterministic from its seed.
/// </summary>
internal sealed class SimulatedDisk(int seed) : IFileSystem
{
    private readonly List<NameChange> _pendingNames = [];
    private Dictionary<string, SimulatedInode> _names = [];
    private readonly Dictionary<string, SimulatedInode> _durableNames = [];
    private bool _isOff;
    private bool _cutAfterCall;

    public Lock Gate { get; } = new();

    public Random Random { get; } = new(seed);

    /// <summary>How often the disk was started; handles of an earlier time do not work.</summary>
    public int Boot { get; private set; }

    /// <summary>Changing calls so far.</summary>
    public int CallCount { get; private set; }

    /// <summary>Calls of one kind so far.</summary>
    public Dictionary<DiskCall, int> Counts { get; } = [];

    /// <summary>The number of the call at which the power goes (before or after its effect); -1 for never.</summary>
    public int CutPowerAtCall { get; set; } = -1;

    /// <summary>Says which calls fail with an I/O error (an allocation: with a full disk).</summary>
    public Func<DiskCall, string, bool>? Fails { get; set; }

    public bool IsOff
    {
        get
        {
            lock (Gate)
                return _isOff;
        }
    }

    public long CapacityBytes { get; set; } = long.MaxValue;

    public long FreeBytes => CapacityBytes == long.MaxValue
        ? long.MaxValue / 2
        : Math.Max(0, CapacityBytes - _names.Values.Sum(static inode => (long)inode.Length));

    public IStorageFile Open(string path)
    {
        lock (Gate)
        {
            CheckPower(Boot);
            return new SimulatedFile(this, Find(path), path);
        }
    }

    public IStorageFile Create(string path)
    {
        lock (Gate)
        {
            if (Begin(DiskCall.Create, path, Boot))
                throw new IOException("Simulated create error", 5);
            var inode = new SimulatedInode();
            _names[path] = inode;
            _pendingNames.Add(new NameChange(Path.GetDirectoryName(path)!, null, path, inode));
            End();
            return new SimulatedFile(this, inode, path);
        }
    }

    public bool Exists(string path)
    {
        lock (Gate)
        {
            CheckPower(Boot);
            return _names.ContainsKey(path);
        }
    }

    public void CreateDirectory(string path)
    {
    }

    public IReadOnlyList<StoredFile> List(string directory)
    {
        lock (Gate)
        {
            CheckPower(Boot);
            return [.. _names.Where(name => Path.GetDirectoryName(name.Key) == directory)
                .Select(name => new StoredFile(Path.GetFileName(name.Key), name.Value.Length))];
        }
    }

    public void Rename(string from, string to)
    {
        lock (Gate)
        {
            if (Begin(DiskCall.Rename, to, Boot))
                throw new IOException("Simulated rename error", 5);
            var inode = Find(from);
            _names.Remove(from);
            _names[to] = inode;
            _pendingNames.Add(new NameChange(Path.GetDirectoryName(to)!, from, to, inode));
            End();
        }
    }

    public void Delete(string path)
    {
        lock (Gate)
        {
            Find(path);
            if (Begin(DiskCall.Delete, path, Boot))
                throw new IOException("Simulated delete error", 5);
            _names.Remove(path);
            _pendingNames.Add(new NameChange(Path.GetDirectoryName(path)!, path, null, null));
            End();
        }
    }

    public void SyncDirectory(string directory)
    {
        lock (Gate)
        {
            if (Begin(DiskCall.SyncDirectory, directory, Boot))
                throw new IOException("Simulated directory sync error", 5);
            foreach (var change in _pendingNames)
            {
                if (change.Directory == directory)
                    change.ApplyTo(_durableNames);
            }
            _pendingNames.RemoveAll(change => change.Directory == directory);
            End();
        }
    }

    public long GetFreeBytes(string directory) => FreeBytes;

    /// <summary>The paths of all files.</summary>
    public IReadOnlyList<string> Files(string suffix)
    {
        lock (Gate)
        {
            var names = _names.Keys.Where(name => name.EndsWith(suffix, StringComparison.Ordinal));
            return [.. names.Order(StringComparer.Ordinal)];
        }
    }

    public byte[] Content(string path)
    {
        lock (Gate)
            return Find(path).Bytes.ToArray();
    }

    /// <summary>Changes bytes on the platter without anybody's knowing.</summary>
    public void Damage(string path, int offset, ReadOnlySpan<byte> data)
    {
        lock (Gate)
            Find(path).Damage(offset, data);
    }

    /// <summary>The process was killed and is started again: the kernel still has all that was written.</summary>
    public void RestartProcess()
    {
        lock (Gate)
        {
            (_isOff, _cutAfterCall, Fails, CutPowerAtCall) = (false, false, null, -1);
            Boot++;
        }
    }

    /// <summary>Takes the power away (if it is still there) and gives it back.</summary>
    public void Restart()
    {
        lock (Gate)
        {
            foreach (var change in _pendingNames)
            {
                if (Random.Next(2) == 0)
                    change.ApplyTo(_durableNames);
            }
            _pendingNames.Clear();
            foreach (var inode in _durableNames.Values.Distinct())
                inode.CutPower(Random);
            _names = new Dictionary<string, SimulatedInode>(_durableNames);
            RestartProcess();
        }
    }

    internal void CheckPower(int boot)
    {
        if (_isOff || boot != Boot)
            throw new PowerCutException();
    }

    /// <summary>
    /// Counts a call and lets the power go before it when its time has come; true when the call must fail.
    /// </summary>
    internal bool Begin(DiskCall call, string path, int boot)
    {
        CheckPower(boot);
        Counts[call] = Counts.GetValueOrDefault(call) + 1;
        if (CallCount++ == CutPowerAtCall)
        {
            _cutAfterCall = Random.Next(2) == 0;
            _isOff = !_cutAfterCall;
            CheckPower(boot);
        }
        return Fails?.Invoke(call, path) ?? false;
    }

    /// <summary>Lets the power go when the call was to be the last one.</summary>
    internal void End()
    {
        if (!_cutAfterCall)
            return;
        _isOff = true;
        throw new PowerCutException();
    }

    private SimulatedInode Find(string path) =>
        _names.TryGetValue(path, out var inode)
            ? inode
            : throw new FileNotFoundException("Simulated: no such file", path);

    private sealed record NameChange(string Directory, string? From, string? To, SimulatedInode? Inode)
    {
        public void ApplyTo(Dictionary<string, SimulatedInode> names)
        {
            if (From is not null)
                names.Remove(From);
            if (To is not null)
                names[To] = Inode!;
        }
    }
}
