namespace Hubbub.Amqp.Codec;

/// <summary>What the codec accepts at most. These are rules of the codec, not options.</summary>
public static class CodecLimits
{
    /// <summary>
    /// Lists, maps, arrays and described values inside one another. Real peers nest 5 deep; other AMQP libraries
    /// allow 32 to 128. The reader recurses once a level, so this also bounds the stack.
    /// </summary>
    public const int DepthMax = 32;

    /// <summary>
    /// Elements of one list, map (keys and values) or array. A frame is 64 KiB, so more elements than that can only
    /// be zero bytes wide each: a few bytes which claim to be two thousand million values.
    /// </summary>
    public const int ElementsMax = 65_536;

    /// <summary>
    /// Symbols in one field that may hold several (capabilities, locales, outcomes, mechanisms). Real peers send up
    /// to a dozen; each becomes a string, which is many times its size on the wire.
    /// </summary>
    public const int SymbolsMax = 256;

    /// <summary>
    /// Sections of one message. A message has 7 or fewer, a batch one data section an event, which is not counted
    /// here: the message's size bounds those.
    /// </summary>
    public const int SectionsMax = 64;

    /// <summary>Characters of a peer's value that a log line or an error text may show.</summary>
    public const int LogTextMax = 128;
}
