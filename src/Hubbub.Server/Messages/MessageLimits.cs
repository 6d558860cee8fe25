namespace Hubbub.Server.Messages;

/// <summary>Every bound of messages, whichever protocol they come by, with its reason.</summary>
internal static class MessageLimits
{
    /// <summary>A device-to-cloud message or batch, bytes, as documented.</summary>
    public const int TelemetrySizeBytesMax = 262_144;

    /// <summary>
    /// What the encoding around a message's content may take when the hub has added to it: names, types and sizes.
    /// </summary>
    public const int EnrichmentSlackBytes = 4_096;

    /// <summary>Messages in a batch, as documented.</summary>
    public const int TelemetryBatchMessagesMax = 500;

    /// <summary>Bytes kept from a sender's message annotations.</summary>
    public const int AnnotationBytesMax = 16_384;

    /// <summary>Bytes of scratch space that a thread keeps between messages.</summary>
    public const int ScratchBytesKept = 65_536;

    /// <summary>Characters in a link address.</summary>
    public const int AddressCharsMax = 1_024;
}
