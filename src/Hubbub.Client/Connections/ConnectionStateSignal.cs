namespace Hubbub.Client.Connections;

/// <summary>
/// The state of a client's connection, and the ones who are told of its changes: in order, one at a time. What a slow
/// handler has not been told yet is bounded: it misses the oldest changes, never the newest.
/// </summary>
internal sealed class ConnectionStateSignal(object sender)
{
    private readonly Lock _gate = new();
    private readonly Queue<ConnectionStateChangedEventArgs> _changes = new();
    private bool _isRaising;

    public event EventHandler<ConnectionStateChangedEventArgs>? Changed;

    public ConnectionState State { get; private set; }

    /// <summary>Sets the state; the event comes on another thread, so that a handler may call the client.</summary>
    public void Set(ConnectionState state, HubbubException? reason)
    {
        lock (_gate)
        {
            if (State == state || State == ConnectionState.Closed)
                return;
            State = state;
            if (Changed is null)
                return;
            if (_changes.Count == ClientLimits.StateChangesMax)
                _changes.Dequeue();
            _changes.Enqueue(new ConnectionStateChangedEventArgs(state, reason));
            if (_isRaising)
                return;
            _isRaising = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(static self => self.Raise(), this, preferLocal: false);
    }

    private void Raise()
    {
        while (true)
        {
            ConnectionStateChangedEventArgs? change;
            lock (_gate)
            {
                if (!_changes.TryDequeue(out change))
                {
                    _isRaising = false;
                    return;
                }
            }
            // Each for itself: the bug of one is not to keep the change from the others.
            foreach (var handler in Delegate.EnumerateInvocationList(Changed))
                Tell(handler, change);
        }
    }

    private void Tell(EventHandler<ConnectionStateChangedEventArgs> handler, ConnectionStateChangedEventArgs change)
    {
        try
        {
            handler(sender, change);
        }
#pragma warning disable CA1031 // A bug of a handler is no end of the connection; it shows where faults of tasks do.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _ = Task.FromException(e);
        }
    }
}
