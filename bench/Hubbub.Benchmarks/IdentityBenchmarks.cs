using BenchmarkDotNet.Attributes;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Storage.State;

namespace Hubbub.Benchmarks;

/// <summary>Looking identities up as authentication does, in no order, among a hundred thousand.</summary>
[MemoryDiagnoser]
public class IdentityBenchmarks
{
    private const int Count = 100_000;

    private string _directory = "";
    private StateStore _store = null!;
    private IdentityRegistry _registry = null!;
    private string[] _ids = [];
    private int _next;

    [GlobalSetup]
    public async Task SetUp()
    {
        _directory = Directory.CreateTempSubdirectory("hubbub-bench-").FullName;
        _store = StateStore.Open(_directory, TimeProvider.System);
        _registry = await IdentityRegistry.OpenAsync(_store, TimeProvider.System, CancellationToken.None);
        _ids = [.. Enumerable.Range(0, Count).Select(static i => $"device-{unchecked((uint)i * 2_654_435_761u):x8}")];
        foreach (var batch in _ids.Chunk(IdentityLimits.BatchMax))
        {
            await _registry.ApplyAsync(
                [.. batch.Select(static id => new IdentityOperation { Device = new() { DeviceId = id } })], CancellationToken.None);
        }
        Random.Shared.Shuffle(_ids);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Benchmark(Description = "find a device and decrypt its keys")]
    public SymmetricKeyPair? FindWithKeys() => _registry.FindDevice(Next())!.Authentication.Keys;

    [Benchmark(Description = "find a device")]
    public DeviceIdentity? Find() => _registry.FindDevice(Next());

    [Benchmark(Description = "find a device's generation")]
    public string? FindGeneration() => _registry.GenerationOf(Next(), null);

    [Benchmark(Description = "an id that is not registered")]
    public DeviceIdentity? FindNothing() => _registry.FindDevice("device-that-is-not-there");

    private string Next() => _ids[_next = (_next + 1) % Count];
}
