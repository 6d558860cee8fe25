namespace Hubbub.Client.Tests.Faults;

/// <summary>The faults of one run: the first connections have one each, later ones work.</summary>
internal sealed class FaultSchedule
{
    /// <summary>About what it takes to connect, claim and attach, in bytes; most faults fall into it.</summary>
    private const int HandshakeBytes = 2_500;

    private readonly Queue<ConnectionFault> _faults = new();
    private readonly Lock _gate = new();

    /// <param name="random">Where the faults come from.</param>
    /// <param name="connectionsMax">Connections that have one at most.</param>
    /// <param name="tlsBytes">What TLS, and HTTP if need be, add to a handshake.</param>
    public FaultSchedule(Random random, int connectionsMax, int tlsBytes = 0)
    {
        for (var i = random.Next(1, connectionsMax + 1); i > 0; i--)
            _faults.Enqueue(Fault(random, HandshakeBytes + tlsBytes));
        Description = string.Join("; ", _faults);
    }

    public string Description { get; }

    /// <summary>The fault of the next connection.</summary>
    public ConnectionFault Next()
    {
        lock (_gate)
            return _faults.TryDequeue(out var fault) ? fault : ConnectionFault.None;
    }

    private static ConnectionFault Fault(Random random, int handshakeBytes)
    {
        var after = random.Next(4) == 0 ? random.Next(40_000) : random.Next(handshakeBytes);
        return random.Next(20) switch
        {
            < 2 => new ConnectionFault { IsRefused = true },
            < 9 => new ConnectionFault { CutAfterUp = after, IsReset = random.Next(2) == 0 },
            < 16 => new ConnectionFault { CutAfterDown = after, IsReset = random.Next(2) == 0 },
            16 => new ConnectionFault { HoleAfterUp = after },
            17 => new ConnectionFault { HoleAfterDown = after },
            _ => new ConnectionFault { PieceBytes = random.Next(1, 300) },
        };
    }
}
