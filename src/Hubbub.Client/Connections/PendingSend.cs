using System.Threading.Tasks.Sources;
using Hubbub.Amqp.Codec;

namespace Hubbub.Client.Connections;

/// <summary>
/// One message from the call that sends it to the peer's outcome. Pooled: it goes back when both who awaits it and
/// the queue have let go, for a send that was given up may still be under way.
/// </summary>
internal sealed class PendingSend(SendQueue owner) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private int _isCompleted;
    private int _holders;

    /// <summary>The encoded message.</summary>
    public ByteBuffer Payload { get; } = new();

    public uint MessageFormat { get; set; }

    /// <summary>When the caller gives up, as a timestamp of the queue's TimeProvider.</summary>
    public long Deadline { get; set; }

    /// <summary>True when it went out on the link that is there now.</summary>
    public bool IsSent { get; set; }

    /// <summary>Its neighbours among what the queue holds, in the order of the calls.</summary>
    public PendingSend? Previous { get; set; }

    public PendingSend? Next { get; set; }

    /// <summary>True when the caller has his answer, or has given up.</summary>
    public bool IsCompleted => Volatile.Read(ref _isCompleted) != 0;

    /// <summary>Begins a use.</summary>
    public ValueTask Start()
    {
        _holders = 2;
        IsSent = false;
        Volatile.Write(ref _isCompleted, 0);
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Lets the caller give up; before the task is handed out.</summary>
    public void CancelWith(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken.UnsafeRegister(
                static (self, token) => ((PendingSend)self!).TryComplete(new OperationCanceledException(token)), this);
        }
    }

    /// <summary>Tells the caller, if nobody has: null means accepted. The queue still holds it.</summary>
    public void TryComplete(Exception? failure)
    {
        if (Interlocked.Exchange(ref _isCompleted, 1) != 0)
            return;
        if (failure is null)
            _core.SetResult(true);
        else
            _core.SetException(failure);
    }

    /// <summary>The queue is done with it; null means accepted.</summary>
    public void Complete(Exception? failure)
    {
        TryComplete(failure);
        LetGo();
    }

    void IValueTaskSource.GetResult(short token)
    {
        // A wrong token throws here, before anything is given back.
        _core.GetStatus(token);
        // A callback under way may still touch this object, so it is waited for.
        _cancellation.Dispose();
        try
        {
            _core.GetResult(token);
        }
        finally
        {
            LetGo();
        }
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void LetGo()
    {
        if (Interlocked.Decrement(ref _holders) > 0)
            return;
        _core.Reset();
        _cancellation = default;
        if (Payload.Array.Length > ClientLimits.PooledBufferBytesMax)
            Payload.Release();
        else
            Payload.Clear();
        owner.Return(this);
    }
}
