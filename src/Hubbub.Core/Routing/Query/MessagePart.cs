namespace Hubbub.Core.Routing.Query;

/// <summary>A part of a message that can be compared as bytes.</summary>
public enum MessagePart : byte
{
    ApplicationProperties,

    /// <summary>Message id, content type and the like.</summary>
    Properties,

    /// <summary>The annotations that the sender set.</summary>
    Annotations,
}

/// <summary>What conditions depend on.</summary>
[Flags]
public enum MessageParts : byte
{
    None = 0,
    ApplicationProperties = 1 << MessagePart.ApplicationProperties,
    Properties = 1 << MessagePart.Properties,
    Annotations = 1 << MessagePart.Annotations,

    /// <summary>Something that is not worth a comparison: the body, the twin, the time.</summary>
    Unrepeatable = 1 << 7,
}
