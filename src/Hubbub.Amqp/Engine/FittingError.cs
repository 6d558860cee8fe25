using System.Text;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

/// <summary>
/// Cuts an error to what the peer's frames hold: only transfers can be split, and a frame that is too large would cost
/// the peer the connection (AMQP 2.7.1).
/// </summary>
internal static class FittingError
{
    /// <summary>
    /// Bytes of a frame with an error beside its texts: header, performative, list and string headers.
    /// </summary>
    private const int FrameBytes = 64;

    /// <summary>The error, with less text or none where there is no room; clients act on condition and info.</summary>
    public static AmqpError? Fit(this AmqpError? error, uint frameSizeBytesMax)
    {
        if (error is null)
            return null;
        var room = (int)Math.Min(frameSizeBytesMax, int.MaxValue) - FrameBytes - error.Condition.Value.Length;
        var infoBytes = error.Info?.Encoded.Length ?? 0;
        var text = error.Description ?? "";
        if (infoBytes + Encoding.UTF8.GetByteCount(text) <= room)
            return error;
        if (infoBytes > room)
            (error, infoBytes) = (error with { Info = null }, 0);
        return error with { Description = Cut(text, Math.Max(0, room - infoBytes)) };
    }

    private static string Cut(string text, int bytesMax)
    {
        var length = Math.Min(text.Length, bytesMax);
        while (Encoding.UTF8.GetByteCount(text.AsSpan(0, length)) > bytesMax)
            length--;
        // A pair of surrogates stays together.
        return length > 0 && char.IsHighSurrogate(text[length - 1]) ? text[..(length - 1)] : text[..length];
    }
}
