namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Bounds of custom endpoints, each with its reason.</summary>
public static class DispatchLimits
{
    /// <summary>Events in one delivery: each has a slot in memory while it is under way.</summary>
    public const int BatchCountMax = 100_000;

    /// <summary>Stored bytes in one delivery: held in memory, and once more as JSON, for each endpoint.</summary>
    public const int BatchBytesMax = 16 * 1024 * 1024;

    /// <summary>Characters of what a sink keeps with its position: a file name and some numbers.</summary>
    public const int SinkStateLengthMax = 1024;

    /// <summary>Characters of a URL; longer ones do not pass proxies either.</summary>
    public const int UrlLengthMax = 2048;

    /// <summary>Characters of a path: what Linux takes.</summary>
    public const int PathLengthMax = 4095;

    /// <summary>Characters of CA certificates: a bundle of a dozen.</summary>
    public const int CertificatesLengthMax = 64 * 1024;

    /// <summary>Characters of an error that is kept, logged and shown.</summary>
    public const int ReasonLengthMax = 500;

    /// <summary>Smaller files would be mostly names.</summary>
    public const long RotateBytesMin = 4096;
}
