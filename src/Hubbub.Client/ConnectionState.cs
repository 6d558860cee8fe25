namespace Hubbub.Client;

/// <summary>How it stands with a client's connection.</summary>
public enum ConnectionState
{
    /// <summary>There is none: nothing has asked for one yet, or it was given up for a reason that does not
    /// pass.</summary>
    Disconnected,

    /// <summary>It is being made.</summary>
    Connecting,

    /// <summary>It is there and authorised.</summary>
    Connected,

    /// <summary>It was lost or could not be made for a passing reason, and is tried again.</summary>
    Reconnecting,

    /// <summary>The client is closed.</summary>
    Closed,
}

/// <summary>Tells that the state of a client's connection has changed.</summary>
/// <param name="state">How it stands now.</param>
/// <param name="reason">Why, when it is a failure.</param>
public sealed class ConnectionStateChangedEventArgs(ConnectionState state, HubbubException? reason) : EventArgs
{
    /// <summary>How it stands now.</summary>
    public ConnectionState State { get; } = state;

    /// <summary>Why, when it is a failure; null otherwise.</summary>
    public HubbubException? Reason { get; } = reason;
}
