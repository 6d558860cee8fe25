namespace Hubbub.Client.Connections;

/// <summary>
/// How much may wait for the peer at a time, and the line of those who wait for room. First come, first served: while
/// anybody stands in line nobody passes, and the second steps up when the first has taken his place.
/// </summary>
internal sealed class SendLine(int countMax, long bytesMax)
{
    private readonly Lock _gate = new();
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private int _count;
    private long _bytes;
    private bool _isStepping;
    private bool _isOpen;

    /// <summary>Takes a place, if there is one and nobody stands in line.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_waiting.Count > 0 || _isStepping || !HasRoom)
                return false;
            _count++;
            return true;
        }
    }

    /// <summary>Joins the line; the task completes when it is one's turn, with the place taken.</summary>
    public TaskCompletionSource Join()
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiting.Enqueue(turn);
            Step();
        }
        return turn;
    }

    /// <summary>Says how large what took the place is.</summary>
    public void Add(int bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>The one whose turn it was has taken his place.</summary>
    public void Next()
    {
        lock (_gate)
        {
            _isStepping = false;
            Step();
        }
    }

    /// <summary>Leaves the line, or gives the place back when the turn had come.</summary>
    public void GiveUp(TaskCompletionSource turn)
    {
        if (turn.TrySetCanceled())
            return;
        Leave(0, 1);
        Next();
    }

    /// <summary>Gives places back.</summary>
    /// <param name="bytes">How large what had them is, together.</param>
    /// <param name="count">How many.</param>
    public void Leave(int bytes, int count)
    {
        lock (_gate)
        {
            _count -= count;
            Interlocked.Add(ref _bytes, -bytes);
            Step();
        }
    }

    /// <summary>Lets everybody pass: the link is over, which each finds out for himself.</summary>
    public void Open()
    {
        lock (_gate)
        {
            _isOpen = true;
            Step();
        }
    }

    private bool HasRoom => _isOpen || (_count < countMax && Interlocked.Read(ref _bytes) < bytesMax);

    private void Step()
    {
        while (!_isStepping && HasRoom && _waiting.TryDequeue(out var turn))
        {
            if (!turn.TrySetResult())
                continue;
            _count++;
            _isStepping = true;
        }
    }
}
