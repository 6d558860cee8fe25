namespace Hubbub.Client;

/// <summary>Whom a connection string is for.</summary>
public enum ConnectionStringKind
{
    /// <summary>A device or module: <c>HostName=...;DeviceId=...;SharedAccessKey=...</c>.</summary>
    Device,

    /// <summary>
    /// A service with a shared access policy: <c>HostName=...;SharedAccessKeyName=...;SharedAccessKey=...</c>.
    /// </summary>
    Service,

    /// <summary>
    /// A reader of events: <c>Endpoint=sb://.../;SharedAccessKeyName=...;SharedAccessKey=...;EntityPath=...</c>.
    /// </summary>
    EventHubs,
}
