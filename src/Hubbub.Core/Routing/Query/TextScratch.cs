namespace Hubbub.Core.Routing.Query;

/// <summary>
/// Where texts are put that no message holds as they are. Emptied for each message, kept between them.
/// </summary>
public sealed class TextScratch
{
    private byte[] _bytes = new byte[256];
    private int _length;

    internal ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    internal int Length => _length;

    /// <summary>Copies a text.</summary>
    public MessageText Add(ReadOnlySpan<byte> text)
    {
        var span = Reserve(text.Length);
        if (span.Length < text.Length)
            return MessageText.Missing;
        text.CopyTo(span);
        return Commit(text.Length);
    }

    /// <summary>
    /// Room for at least so many bytes; empty when the message has used up what it may.
    /// <see cref="Commit"/> makes a text of the first of them.
    /// </summary>
    public Span<byte> Reserve(int length)
    {
        if (length > RoutingLimits.TextBytesMax - _length)
            return [];
        if (_length + length > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_length + length, _bytes.Length * 2));
        return _bytes.AsSpan(_length);
    }

    /// <summary>Takes the first bytes of what was reserved.</summary>
    public MessageText Commit(int length)
    {
        var text = MessageText.InScratch(_length, length);
        _length += length;
        return text;
    }

    internal void Clear()
    {
        _length = 0;
        if (_bytes.Length > RoutingLimits.ScratchBytesKept)
            _bytes = new byte[RoutingLimits.ScratchBytesKept];
    }
}
