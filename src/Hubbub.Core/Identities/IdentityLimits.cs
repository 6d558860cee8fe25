namespace Hubbub.Core.Identities;

/// <summary>The bounds on identities and consumer groups, each with its reason.</summary>
public static class IdentityLimits
{
    /// <summary>Characters in a device or module id: the service's documented maximum.</summary>
    public const int IdLengthMax = 128;

    /// <summary>Devices in a hub: the service's documented maximum. All of them are held in memory.</summary>
    public const int DevicesMax = 1_000_000;

    /// <summary>Modules of one device: the service's documented maximum.</summary>
    public const int ModulesPerDeviceMax = 50;

    /// <summary>Characters of a status reason: the service's documented maximum.</summary>
    public const int StatusReasonLengthMax = 128;

    /// <summary>Characters of a device scope, which holds an id and a generation.</summary>
    public const int DeviceScopeLengthMax = 256;

    /// <summary>Parent scopes of a device: the service's documented maximum.</summary>
    public const int ParentScopesMax = 1;

    /// <summary>Characters of an ETag that comes with an import; those of this hub have 12.</summary>
    public const int ETagLengthMax = 64;

    /// <summary>
    /// Changes in one transaction: enough to hide the sync, few enough to keep others waiting little.
    /// </summary>
    public const int BatchMax = 4096;

    /// <summary>How often it is stored when devices were last heard of: what a crash may cost of it.</summary>
    public static readonly TimeSpan ActivityInterval = TimeSpan.FromSeconds(60);

    /// <summary>Identities in one read of it at a start: some milliseconds of the store's time.</summary>
    public const int ActivityPageMax = 5_000;

    /// <summary>
    /// Identities in one such write: few enough to keep changes of identities waiting for milliseconds.
    /// </summary>
    public const int ActivityBatchMax = 1_000;

    /// <summary>Devices in one list: the service's documented maximum.</summary>
    public const int ListMax = 1000;

    /// <summary>Consumer groups of one entity, with <c>$Default</c>: the service's documented maximum.</summary>
    public const int ConsumerGroupsMax = 20;

    /// <summary>Characters in the name of a consumer group: the service's documented maximum.</summary>
    public const int ConsumerGroupNameLengthMax = 50;
}
