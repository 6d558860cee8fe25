namespace Hubbub.Client.Tests.Faults;

/// <summary>What happens to one connection through the proxy; bytes count in one direction.</summary>
internal sealed record ConnectionFault
{
    /// <summary>A connection that works.</summary>
    public static ConnectionFault None { get; } = new();

    /// <summary>It is closed as soon as it is accepted.</summary>
    public bool IsRefused { get; init; }

    /// <summary>Bytes to the hub after which the connection is cut.</summary>
    public long CutAfterUp { get; init; } = long.MaxValue;

    /// <summary>Bytes to the client after which the connection is cut.</summary>
    public long CutAfterDown { get; init; } = long.MaxValue;

    /// <summary>True to cut with a reset; else in peace, which a peer sees as the end of the stream.</summary>
    public bool IsReset { get; init; }

    /// <summary>Bytes to the hub after which nothing comes through any more, and nobody is told.</summary>
    public long HoleAfterUp { get; init; } = long.MaxValue;

    /// <summary>Bytes to the client after which nothing comes through any more, and nobody is told.</summary>
    public long HoleAfterDown { get; init; } = long.MaxValue;

    /// <summary>Bytes given on at a time, with a pause after each; 0 for as they come.</summary>
    public int PieceBytes { get; init; }

    public override string ToString() => this switch
    {
        { IsRefused: true } => "refused",
        { CutAfterUp: < long.MaxValue } => $"cut after {CutAfterUp} up{(IsReset ? ", reset" : "")}",
        { CutAfterDown: < long.MaxValue } => $"cut after {CutAfterDown} down{(IsReset ? ", reset" : "")}",
        { HoleAfterUp: < long.MaxValue } => $"hole after {HoleAfterUp} up",
        { HoleAfterDown: < long.MaxValue } => $"hole after {HoleAfterDown} down",
        { PieceBytes: > 0 } => $"pieces of {PieceBytes}",
        _ => "none",
    };
}
