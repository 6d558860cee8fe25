namespace Hubbub.Amqp.Engine;

/// <summary>Which end of the connection an engine is: it decides who speaks first, and nothing else.</summary>
public enum ConnectionRole
{
    /// <summary>Waits for the peer's header.</summary>
    Server,

    /// <summary>Sends its header at once.</summary>
    Client,
}
