using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hubbub.Core.Identities.Records;

/// <summary>
/// All devices and modules, in memory, in compact form. Looking one up takes no lock; changes and lists take one lock,
/// for microseconds, and never across I/O.
/// </summary>
internal sealed class IdentityIndex(IKeyProtector protector) : IIdentityLoader
{
    private const int KeyLengthMax = (2 * IdentityLimits.IdLengthMax) + 1;

    private readonly Lock _lock = new();
    private readonly RecordTable _devices = new();
    private readonly RecordTable _modules = new();
    private readonly RecordWriter _writer = new();
    private int[] _firstModules = []; // By the device's number: one above the number of a module; 0 for none.
    private int[] _nextModules = []; // By the module's number, likewise.
    private SortedNumbers? _order; // Made when a list is wanted for the first time.
    private int _disabledCount;

    public int DeviceCount => _devices.Count;

    public int DisabledDeviceCount => Volatile.Read(ref _disabledCount);

    public int ModuleCount => _modules.Count;

    /// <summary>The highest generation that was loaded.</summary>
    public long LastGeneration { get; private set; }

    public bool HasDevice(ReadOnlySpan<char> deviceId) => !_devices.Find(deviceId, out _).IsEmpty;

    public DeviceIdentity? FindDevice(ReadOnlySpan<char> deviceId, out int number)
    {
        var record = _devices.Find(deviceId, out number);
        return record.IsEmpty ? null : IdentityRecord.ReadDevice(record, protector);
    }

    public ModuleIdentity? FindModule(ReadOnlySpan<char> deviceId, ReadOnlySpan<char> moduleId)
    {
        var record = FindModuleRecord(deviceId, moduleId);
        return record.IsEmpty ? null : IdentityRecord.ReadModule(record, protector);
    }

    public string? GenerationOf(ReadOnlySpan<char> deviceId, string? moduleId)
    {
        var record = moduleId is null ? _devices.Find(deviceId, out _) : FindModuleRecord(deviceId, moduleId);
        return record.IsEmpty ? null : IdentityRecord.ReadGeneration(record);
    }

    /// <summary>The modules of a device, in no order, with their numbers.</summary>
    public List<(int Number, ModuleIdentity Module)> ModulesOf(int deviceNumber)
    {
        List<(int, ModuleIdentity)> modules = [];
        lock (_lock)
        {
            for (var module = FirstModule(deviceNumber) - 1; module >= 0; module = _nextModules[module] - 1)
                modules.Add((module, IdentityRecord.ReadModule(_modules[module], protector)));
        }
        return modules;
    }

    /// <summary>At most <paramref name="top"/> devices behind <paramref name="after"/>, in the order of ids.</summary>
    public List<DeviceIdentity> ListDevices(string after, int top)
    {
        List<DeviceIdentity> devices = [];
        lock (_lock)
        {
            _order ??= new SortedNumbers(_devices);
            foreach (var number in _order.After(Encoding.UTF8.GetBytes(after)))
            {
                if (devices.Count == top)
                    break;
                devices.Add(IdentityRecord.ReadDevice(_devices[number], protector));
            }
        }
        return devices;
    }

    /// <summary>Who is proven by a certificate of their own, in no order.</summary>
    public IEnumerable<(string DeviceId, string? ModuleId)> SelfSigned()
    {
        foreach (var table in new[] { _devices, _modules })
        {
            for (var number = 0; number < table.NumberEnd; number++)
            {
                var record = table[number];
                if (record.IsEmpty || IdentityRecord.TypeOf(record) != AuthenticationType.SelfSigned)
                    continue;
                var ids = Encoding.UTF8.GetString(RecordTable.KeyOf(record.Span)).Split('/');
                yield return (ids[0], ids.Length == 1 ? null : ids[1]);
            }
        }
    }

    /// <summary>A number for a new device; -1 when there are as many as there may be.</summary>
    public int ReserveDevice()
    {
        lock (_lock)
            return _devices.NumbersInUse < IdentityLimits.DevicesMax ? _devices.Reserve() : -1;
    }

    /// <summary>A number for a new module.</summary>
    public int ReserveModule()
    {
        lock (_lock)
            return _modules.Reserve();
    }

    /// <summary>Gives back numbers that were not used.</summary>
    public void Release(List<int> deviceNumbers, List<int> moduleNumbers)
    {
        lock (_lock)
        {
            deviceNumbers.ForEach(_devices.Release);
            moduleNumbers.ForEach(_modules.Release);
        }
    }

    /// <summary>Shows what has been stored.</summary>
    public void Apply(List<IdentityWrite> writes)
    {
        lock (_lock)
        {
            foreach (var write in writes)
                Apply(write);
        }
    }

    void IIdentityLoader.Expect(int devices, int modules)
    {
        lock (_lock)
        {
            _devices.EnsureRoom(Math.Min(devices, IdentityLimits.DevicesMax));
            _modules.EnsureRoom(Math.Min(modules, IdentityLimits.DevicesMax));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // A start is over before the JIT would do it by itself.
    void IIdentityLoader.LoadDevice(int number, in StoredIdentity device)
    {
        lock (_lock)
        {
            IdentityRecord.Write(_writer, device);
            if (!_devices.TryLoad(number, _writer.Record))
                throw Twice($"device '{Encoding.UTF8.GetString(device.DeviceId)}'", number);
            NoteGeneration(device.GenerationId);
            _disabledCount += device.Status == DeviceStatus.Disabled ? 1 : 0;
        }
    }

    void IIdentityLoader.LoadModule(int number, in StoredIdentity module)
    {
        lock (_lock)
        {
            IdentityRecord.Write(_writer, module);
            if (!_modules.TryLoad(number, _writer.Record))
                throw Twice($"module '{Encoding.UTF8.GetString(module.ModuleId)}'", number);
            NoteGeneration(module.GenerationId);
            Link(Encoding.UTF8.GetString(module.DeviceId), number);
        }
    }

    private ReadOnlyMemory<byte> FindModuleRecord(ReadOnlySpan<char> deviceId, ReadOnlySpan<char> moduleId)
    {
        if (deviceId.Length > IdentityLimits.IdLengthMax || moduleId.Length > IdentityLimits.IdLengthMax)
            return default;
        Span<char> key = stackalloc char[KeyLengthMax];
        deviceId.CopyTo(key);
        key[deviceId.Length] = '/';
        moduleId.CopyTo(key[(deviceId.Length + 1)..]);
        return _modules.Find(key[..(deviceId.Length + 1 + moduleId.Length)], out _);
    }

    private void Apply(IdentityWrite write)
    {
        switch (write)
        {
            case IdentityWrite.PutDevice put:
                Put(put);
                break;
            case IdentityWrite.PutModule put:
                var isNew = _modules[put.Number].IsEmpty;
                IdentityRecord.Write(_writer, put.Module, put.Keys.Span);
                _modules.Put(put.Number, _writer.Record);
                if (isNew)
                    Link(put.Module.DeviceId, put.Number);
                break;
            case IdentityWrite.DeleteDevice delete:
                _order?.Remove(delete.Number);
                _disabledCount -= IdentityRecord.IsDisabled(_devices[delete.Number]) ? 1 : 0;
                _devices.Remove(delete.Number);
                break;
            case IdentityWrite.DeleteModule delete:
                Unlink(delete.Number);
                _modules.Remove(delete.Number);
                break;
            default:
                throw new NotSupportedException(write.GetType().Name);
        }
    }

    private void Put(IdentityWrite.PutDevice put)
    {
        var before = _devices[put.Number];
        var wasDisabled = !before.IsEmpty && IdentityRecord.IsDisabled(before);
        IdentityRecord.Write(_writer, put.Device, put.Keys.Span);
        _devices.Put(put.Number, _writer.Record);
        _disabledCount += (put.Device.IsEnabled ? 0 : 1) - (wasDisabled ? 1 : 0);
        if (!before.IsEmpty)
            return;
        if (put.Number < _firstModules.Length)
            _firstModules[put.Number] = 0;
        _order?.Add(put.Number);
    }

    private int FirstModule(int deviceNumber) =>
        deviceNumber < _firstModules.Length ? _firstModules[deviceNumber] : 0;

    private void Link(string deviceId, int module)
    {
        if (_devices.Find(deviceId, out var device).IsEmpty)
            return; // A module without its device cannot be reached; nothing writes one.
        if (device >= _firstModules.Length)
            Array.Resize(ref _firstModules, Math.Max(device + 1, 2 * _firstModules.Length));
        if (module >= _nextModules.Length)
            Array.Resize(ref _nextModules, Math.Max(module + 1, 2 * _nextModules.Length));
        _nextModules[module] = _firstModules[device];
        _firstModules[device] = module + 1;
    }

    private void Unlink(int module)
    {
        var key = Encoding.UTF8.GetString(RecordTable.KeyOf(_modules[module].Span));
        _devices.Find(key.AsSpan(0, key.IndexOf('/', StringComparison.Ordinal)), out var device);
        ref var link = ref _firstModules[device];
        while (link != module + 1)
            link = ref _nextModules[link - 1];
        link = _nextModules[module];
    }

    private void NoteGeneration(ReadOnlySpan<byte> generation)
    {
        if (Utf8Parser.TryParse(generation, out long ticks, out _))
            LastGeneration = Math.Max(LastGeneration, ticks);
    }

    private static IOException Twice(string what, int number) => new(
        $"The stored {what} (number {number}) is there twice, or its number is. Restore the state from a backup.");
}
