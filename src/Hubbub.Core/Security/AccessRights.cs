namespace Hubbub.Core.Security;

/// <summary>What a shared access policy permits. The numbers are the service's own.</summary>
[Flags]
public enum AccessRights
{
    None = 0,

    /// <summary>Read identities.</summary>
    RegistryRead = 1,

    /// <summary>Read and change identities.</summary>
    RegistryWrite = 3,

    /// <summary>Read telemetry, send commands, receive feedback.</summary>
    ServiceConnect = 4,

    /// <summary>Act as any device.</summary>
    DeviceConnect = 8,
}
