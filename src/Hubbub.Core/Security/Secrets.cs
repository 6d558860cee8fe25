using System.Text;

namespace Hubbub.Core.Security;

/// <summary>
/// Takes secrets out of texts that come from peers, before they go into a log or back in an error: people put tokens
/// and connection strings into every field there is.
/// </summary>
public static class Secrets
{
    /// <summary>What stands in front of a secret, as it is and percent-encoded.</summary>
    private static readonly string[] Marks =
        ["sig=", "sig%3D", "SharedAccessKey=", "SharedAccessKey%3D", "primaryKey=", "secondaryKey=", "password="];

    private const string Shown = "***";

    /// <summary>The text with <c>***</c> for each signature, key or password that is marked as one.</summary>
    public static string Hide(string text)
    {
        StringBuilder? hidden = null;
        foreach (var mark in Marks)
        {
            var source = hidden?.ToString() ?? text;
            var at = source.IndexOf(mark, StringComparison.OrdinalIgnoreCase);
            if (at < 0)
                continue;
            hidden = new StringBuilder(source.Length);
            var done = 0;
            for (; at >= 0; at = source.IndexOf(mark, done, StringComparison.OrdinalIgnoreCase))
            {
                hidden.Append(source, done, at + mark.Length - done).Append(Shown);
                done = at + mark.Length;
                while (done < source.Length && !IsEnd(source[done]))
                    done++;
            }
            hidden.Append(source, done, source.Length - done);
        }
        return hidden?.ToString() ?? text;
    }

    private static bool IsEnd(char c) => c is '&' or ';' or '"' or '\'' or ',' || char.IsWhiteSpace(c);
}
