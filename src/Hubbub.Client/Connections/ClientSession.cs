using Hubbub.Amqp.Engine;

namespace Hubbub.Client.Connections;

/// <summary>One session of a client. What changes it is called under the driver's lock.</summary>
internal sealed class ClientSession
{
    private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<HubbubException> _ended =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HubbubException? _end;
    private volatile bool _wasRefused;

    /// <summary>The engine's session; null before it is begun.</summary>
    public AmqpSession? Engine { get; private set; }

    /// <summary>Completes when both sides have begun.</summary>
    public Task Began => _began.Task;

    /// <summary>Completes with the reason when the session is over, or its connection. Never faults.</summary>
    public Task<HubbubException> Ended => _ended.Task;

    /// <summary>Why it is over; null while it is not.</summary>
    public HubbubException? End => Volatile.Read(ref _end);

    /// <summary>True when a link was ended, or not taken, for want of a claim, since this was set to false.</summary>
    public bool WasRefused
    {
        get => _wasRefused;
        set => _wasRefused = value;
    }

    public void Start(AmqpSession session)
    {
        Engine = session;
        session.Context = this;
    }

    public void OnBegan() => _began.TrySetResult();

    public void OnEnded(HubbubException end)
    {
        if (Interlocked.CompareExchange(ref _end, end, null) is not null)
            return;
        _began.TrySetException(end);
        _ = _began.Task.Exception;
        _ended.TrySetResult(end);
    }
}
