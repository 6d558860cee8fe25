using Hubbub.Core.Routing.Dispatch;
using Hubbub.Storage.State;

namespace Hubbub.Storage.Tests.State;

/// <summary>How far endpoints have come, in SQLite.</summary>
public sealed class EndpointPositionTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Positions_OfSeveralEndpoints_SurviveAReopen()
    {
        using (var store = StateStore.Open(_directory.Path, TimeProvider.System))
        {
            Assert.Null(await store.LoadPositionAsync("a", Cancellation));
            Assert.Null(await store.SavePositionAsync("a", new EndpointPosition(5, null), Cancellation));
            Assert.Null(await store.SavePositionAsync("b", new EndpointPosition(long.MaxValue, "7 file"), Cancellation));
            Assert.Null(await store.SavePositionAsync("a", new EndpointPosition(6, "x"), Cancellation));
            Assert.Null(await store.SavePositionAsync("c", new EndpointPosition(-1, null), Cancellation));
            Assert.Null(await store.DeletePositionAsync("c", Cancellation));
        }
        using var reopened = StateStore.Open(_directory.Path, TimeProvider.System);
        Assert.Equal(new EndpointPosition(6, "x"), await reopened.LoadPositionAsync("a", Cancellation));
        Assert.Equal(new EndpointPosition(long.MaxValue, "7 file"), await reopened.LoadPositionAsync("b", Cancellation));
        Assert.Null(await reopened.LoadPositionAsync("c", Cancellation));
    }
}
