namespace Hubbub.Interop.Tests.Harness;

/// <summary>A hub on free ports, for the tests of one class.</summary>
public sealed class PrivateHub : IAsyncLifetime
{
    internal HubProcess Hub { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Hub = await HubProcess.StartAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => Hub.DisposeAsync();
}
