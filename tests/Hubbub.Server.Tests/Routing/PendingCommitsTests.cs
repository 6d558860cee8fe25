using Hubbub.Core;
using Hubbub.Server.Amqp.Endpoints;
using Hubbub.Server.Routing;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Routing;

/// <summary>When a delivery that went to several streams is settled.</summary>
public sealed class PendingCommitsTests
{
    private readonly Lane _a = MakeLane();
    private readonly Lane _b = MakeLane();
    private readonly PendingCommits _pending = new();

    [Fact]
    public void Delivery_ToSeveralStreams_IsDoneWhenAllCommitsAre()
    {
        _pending.Add([new(_a, 0), new(_b, 0)], 1, settled: false);
        _pending.Add([new(_a, 0), new(_b, 0)], 2, settled: false);
        _a.OnCommit(0, null);
        Assert.False(_pending.TryTake(out _));
        _b.OnCommit(0, null);

        Assert.True(_pending.TryTake(out var entry));
        Assert.Equal((1u, 2u, 2, null), (entry.FirstId, entry.LastId, entry.Deliveries, entry.Failure()));
        Assert.True(_pending.IsEmpty);
    }

    [Fact]
    public void Delivery_OneOfWhoseCommitsFails_Fails_AndSoDoOthersOfThatCommit()
    {
        var full = new HubError(HubErrorCode.StorageFull, "full");
        _pending.Add([new(_a, 0)], 1, settled: false);
        _pending.Add([new(_a, 0), new(_b, 0)], 2, settled: false);
        _pending.Add([new(_b, 0)], 3, settled: false);
        _pending.Add([new(_b, 1)], 4, settled: false);
        _a.OnCommit(0, null);
        _b.OnCommit(0, full);
        _b.OnCommit(1, null);

        Assert.Equal([null, full, full, null], Drain());
    }

    [Fact]
    public void Delivery_ThatNobodyWants_IsDoneInItsTurn()
    {
        _pending.Add([new(_a, 0)], 1, settled: false);
        _pending.Add([], 2, settled: false);
        _pending.Add([], 3, settled: true);
        Assert.False(_pending.TryTake(out _));
        _a.OnCommit(0, null);

        Assert.True(_pending.TryTake(out _));
        Assert.True(_pending.TryTake(out var entry));
        Assert.Equal((2u, 3u, 2, 1), (entry.FirstId, entry.LastId, entry.Deliveries, entry.Settled));
    }

    private List<HubError?> Drain()
    {
        var failures = new List<HubError?>();
        while (_pending.TryTake(out var entry))
            failures.Add(entry.Failure());
        return failures;
    }

    private static Lane MakeLane()
    {
        var log = new ScriptedLog(1);
        return new Lane(log, log[0], static () => { });
    }
}
