namespace Hubbub.Core.Routing;

/// <summary>Bounds of routing, each with its reason.</summary>
public static class RoutingLimits
{
    /// <summary>Characters of a condition. The service accepts a few thousand; what is longer is generated.</summary>
    public const int ConditionLengthMax = 8 * 1024;

    /// <summary>Nested parentheses, calls and unary operators: the parser recurses once for each.</summary>
    public const int ConditionDepthMax = 64;

    /// <summary>Errors told about one condition; more help nobody.</summary>
    public const int ConditionErrorsMax = 10;

    /// <summary>Levels of a JSON body. A device's document has a handful; deeper ones are treated as no JSON.</summary>
    public const int BodyDepthMax = 64;

    /// <summary>
    /// Bytes of all texts that the functions of one table make of one message. A text doubled twenty times by concat
    /// would be a gigabyte; what goes beyond the bound is undefined.
    /// </summary>
    public const int TextBytesMax = 4 * 1024 * 1024;

    /// <summary>Scratch bytes that are kept between messages.</summary>
    public const int ScratchBytesKept = 64 * 1024;

    /// <summary>Bytes of sections that a memo keeps for one link; larger ones are evaluated each time.</summary>
    public const int MemoBytesMax = 2 * 1024;

    /// <summary>Results that a thread remembers, a power of two: a fleet's usual combinations of properties.</summary>
    public const int CacheSlots = 256;

    /// <summary>
    /// In how many of the slots one combination may be, a power of two, so that few displace each other.
    /// </summary>
    public const int CacheWays = 4;

    /// <summary>
    /// Bytes of sections that one of these takes; with them a thread needs 64 KiB, which stay near the core.
    /// </summary>
    public const int CacheSlotBytes = 256;

    /// <summary>Endpoints of one hub, the built-in one included: a set of them is one word.</summary>
    public const int EndpointsMax = 63;

    /// <summary>Routes that an option may allow: each costs some nanoseconds a message.</summary>
    public const int RoutesMax = 1000;

    /// <summary>Enrichments that an option may allow: each makes every message longer.</summary>
    public const int EnrichmentsMax = 100;

    /// <summary>Characters of the name of a route or an endpoint, as in the service.</summary>
    public const int NameLengthMax = 64;

    /// <summary>Characters of an enrichment's key or value.</summary>
    public const int EnrichmentLengthMax = 256;

    /// <summary>Partitions of a named stream: each has a thread.</summary>
    public const int StreamPartitionsMax = 32;

    /// <summary>
    /// How long after its last write a stream that no endpoint has is kept: time to notice that a state database was
    /// lost or is an older one.
    /// </summary>
    public static readonly TimeSpan LeftoverStreamLife = TimeSpan.FromDays(7);
}
