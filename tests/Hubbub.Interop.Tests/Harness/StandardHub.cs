namespace Hubbub.Interop.Tests.Harness;

/// <summary>
/// The one hub on the standard ports. Tests that use it run one after another, so that nobody else writes to its
/// partitions while a test counts events.
/// </summary>
public sealed class StandardHub : IAsyncLifetime
{
    private HubProcess? _hub;
    private string? _unavailable;

    /// <summary>The hub; skips the running test where one of the ports may not be had.</summary>
    internal HubProcess Hub
    {
        get
        {
            Assert.SkipWhen(_unavailable is not null, _unavailable ?? "");
            return _hub!;
        }
    }

    public async ValueTask InitializeAsync()
    {
        _unavailable = Taken([5671, 443, 5672]);
        if (_unavailable is null) _hub = await HubProcess.StartOnStandardPortsAsync(CancellationToken.None);
    }

    public ValueTask DisposeAsync() => _hub?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static string? Taken(int[] ports) => ports
        .Select(port => (port, why: Workspace.WhyTaken(port)))
        .Where(each => each.why is not null)
        .Select(each => $"the SDKs need port {each.port}, and it may not be had here ({each.why})")
        .FirstOrDefault();
}

/// <summary>The tests that share <see cref="StandardHub"/>.</summary>
[CollectionDefinition(Name)]
public sealed class StandardPorts : ICollectionFixture<StandardHub>
{
    public const string Name = "standard ports";
}
