using System.Collections.Concurrent;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Engine;
using Hubbub.Amqp.Transport;

namespace Hubbub.Amqp.Tests.Transport;

/// <summary>An owner that accepts what comes, keeps what happened, and runs what a test puts in its way.</summary>
internal sealed class TestOwner : IConnectionOwner
{
    private readonly TaskCompletionSource<Exception?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _closedCalls;

    public AmqpConnection Engine { get; set; } = null!;

    public ConcurrentQueue<Happened> Events { get; } = new();

    /// <summary>Runs with each event, under the driver's lock.</summary>
    public Action<Happened>? WhenEvent { get; set; }

    public Action? WhenPreparing { get; set; }

    public Func<int, bool>? WhenWritable { get; set; }

    public Func<CancellationToken, ValueTask>? WhenReady { get; set; }

    public SaslCode? SaslVerdict { get; set; } = SaslCode.Ok;

    public uint Credit { get; set; } = 1_000;

    /// <summary>What OnClosed was told.</summary>
    public Task<Exception?> Closed => _closed.Task;

    public int ClosedCalls => _closedCalls;

    public int Count(AmqpEventKind kind) => Events.Count(e => e.Kind == kind);

    public void OnEvent(in AmqpEvent e)
    {
        var happened = Happened.From(e);
        switch (e.Kind)
        {
            case AmqpEventKind.SaslInit when SaslVerdict is { } verdict:
                Engine.CompleteSasl(verdict);
                break;
            case AmqpEventKind.Opened:
                Engine.AcceptOpen();
                break;
            case AmqpEventKind.LinkAttached when e.Link!.State == LinkState.AttachReceived:
                ScriptedPeer.AcceptAndGrant(e.Link, Credit);
                break;
        }
        Events.Enqueue(happened);
        WhenEvent?.Invoke(happened);
    }

    public void Prepare() => WhenPreparing?.Invoke();

    public bool OnWritable(int bytesMax) => WhenWritable?.Invoke(bytesMax) ?? false;

    public ValueTask WhenReadyToReadAsync(CancellationToken cancellationToken) =>
        WhenReady?.Invoke(cancellationToken) ?? ValueTask.CompletedTask;

    public void OnClosed(Exception? fault)
    {
        Interlocked.Increment(ref _closedCalls);
        _closed.TrySetResult(fault);
    }
}
