using System.Globalization;
using System.Text;

namespace Hubbub.Core.Routing.Query;

/// <summary>Resolves the escapes of a JSON string that a <see cref="JsonScanner"/> has stepped over.</summary>
internal static class JsonEscapes
{
    /// <summary>Writes the text that a string stands for; it is never longer.</summary>
    /// <returns>How many bytes; -1 when an escape is half a character, which is no text.</returns>
    public static int Resolve(ReadOnlySpan<byte> text, Span<byte> result)
    {
        var written = 0;
        while (true)
        {
            var plain = text.IndexOf((byte)'\\');
            if (plain < 0)
            {
                text.CopyTo(result[written..]);
                return written + text.Length;
            }
            text[..plain].CopyTo(result[written..]);
            written += plain;
            text = text[plain..];
            if (text[1] != 'u')
            {
                result[written++] = Simple(text[1]);
                text = text[2..];
                continue;
            }
            var first = Unit(text);
            text = text[6..];
            if (!char.IsSurrogate(first))
            {
                written += new Rune(first).EncodeToUtf8(result[written..]);
                continue;
            }
            if (text.Length < 6 || text[0] != '\\' || text[1] != 'u'
                || !Rune.TryCreate(first, Unit(text), out var rune))
                return -1;
            written += rune.EncodeToUtf8(result[written..]);
            text = text[6..];
        }
    }

    private static byte Simple(byte escape) => escape switch
    {
        (byte)'b' => (byte)'\b',
        (byte)'f' => (byte)'\f',
        (byte)'n' => (byte)'\n',
        (byte)'r' => (byte)'\r',
        (byte)'t' => (byte)'\t',
        _ => escape,
    };

    private static char Unit(ReadOnlySpan<byte> escape) =>
        (char)ushort.Parse(escape.Slice(2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
