using Microsoft.AspNetCore.Connections;

namespace Hubbub.Server.Hosting;

/// <summary>
/// Bounds the TLS handshakes in progress over all listeners. One middleware sits before TLS and one behind it; when
/// there are too many, the oldest connection between the two is dropped.
/// </summary>
internal sealed class HandshakeGate(int max, Action onDropped)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<ConnectionContext> _waiting = [];

    /// <summary>How many handshakes are in progress.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _waiting.Count;
        }
    }

    /// <summary>The middleware before TLS.</summary>
    public async Task EnterAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var place = new Place(this, connection);
        connection.Features.Set(place);
        ConnectionContext? oldest = null;
        lock (_lock)
        {
            _waiting.AddLast(place.Node);
            if (_waiting.Count > max)
            {
                oldest = _waiting.First!.Value;
                _waiting.RemoveFirst();
            }
        }
        if (oldest is not null)
        {
            onDropped();
            oldest.Abort(new ConnectionAbortedException("Too many TLS handshakes are in progress."));
        }
        try
        {
            await next(connection);
        }
        finally
        {
            place.Leave();
        }
    }

    /// <summary>The middleware behind TLS.</summary>
    public static Task LeaveAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        connection.Features.Get<Place>()?.Leave();
        connection.Features.Set<Place>(null);
        return next(connection);
    }

    private sealed class Place(HandshakeGate gate, ConnectionContext connection)
    {
        public LinkedListNode<ConnectionContext> Node { get; } = new(connection);

        public void Leave()
        {
            lock (gate._lock)
            {
                if (Node.List is not null)
                    gate._waiting.Remove(Node);
            }
        }
    }
}
