namespace Hubbub.Core.Routing.Query;

/// <summary>
/// A message as conditions see it. Whoever holds the message implements it over the bytes as received: nothing is
/// copied or parsed that no condition asks for. An implementation is a struct, so that the calls are direct.
/// </summary>
public interface IMessageView
{
    /// <summary>The bytes that <see cref="MessageText.InMessage"/> points into.</summary>
    ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Reads the application property at a position and moves on to the next one.</summary>
    /// <param name="position">0 at first; then as the last call left it.</param>
    /// <param name="scratch">Takes a value that the message holds in another form than as text.</param>
    /// <param name="name">The name, in UTF-8.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there are no more.</returns>
    bool TryReadProperty(
        ref int position, TextScratch scratch, out ReadOnlySpan<byte> name, out MessageText value);

    /// <summary>The system property of that name.</summary>
    MessageText ReadSystemProperty(SystemPropertyName name, TextScratch scratch);

    /// <summary>The payload. Asked for at most once a message, and only when a condition needs it.</summary>
    ReadOnlySpan<byte> ReadBody(TextScratch scratch);

    /// <summary>
    /// The encoded bytes of a part: two messages of one sender that have the same are alike in all that it holds. Only
    /// asked for by a <see cref="RouteMemo"/>.
    /// </summary>
    ReadOnlySpan<byte> BytesOf(MessagePart part);

    /// <summary>The sender's twin as JSON, <c>{"tags":{},"properties":{}}</c>; empty when there is none.</summary>
    ReadOnlySpan<byte> ReadTwin(TextScratch scratch);
}
