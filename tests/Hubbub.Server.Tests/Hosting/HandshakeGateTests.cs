using Hubbub.Server.Hosting;
using Microsoft.AspNetCore.Connections;

namespace Hubbub.Server.Tests.Hosting;

public sealed class HandshakeGateTests
{
    [Fact]
    public async Task Enter_TooManyInProgress_DropsTheOldest()
    {
        var dropped = 0;
        var gate = new HandshakeGate(2, () => dropped++);
        var stalled = Enumerable.Range(0, 3).Select(_ => new DefaultConnectionContext()).ToArray();
        var end = new TaskCompletionSource();

        var waiting = stalled.Select(connection => gate.EnterAsync(connection, _ => end.Task)).ToArray();

        Assert.Equal(1, dropped);
        await WhenClosedAsync(stalled[0]);
        Assert.False(stalled[1].ConnectionClosed.IsCancellationRequested);
        Assert.False(stalled[2].ConnectionClosed.IsCancellationRequested);
        end.SetResult();
        await Task.WhenAll(waiting);
        Assert.Equal(0, gate.Count);
    }

    [Fact]
    public async Task Leave_HandshakeDone_CountsNoLonger()
    {
        var gate = new HandshakeGate(1, () => Assert.Fail("nothing is to be dropped"));
        var end = new TaskCompletionSource();

        var open = Enumerable.Range(0, 5).Select(_ => gate.EnterAsync(
            new DefaultConnectionContext(),
            connection => HandshakeGate.LeaveAsync(connection, _ => end.Task))).ToArray();

        Assert.Equal(0, gate.Count);
        end.SetResult();
        await Task.WhenAll(open);
    }

    private static Task WhenClosedAsync(DefaultConnectionContext connection)
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionClosed.Register(closed.SetResult);
        return closed.Task.WaitAsync(TestContext.Current.CancellationToken);
    }
}
