using System.Text;

namespace Hubbub.Cli;

/// <summary>The BODY of a verb.</summary>
internal static class Payload
{
    /// <summary>The argument's text as UTF-8; for <c>-</c>, all of standard input.</summary>
    public static async Task<byte[]> ReadAsync(string argument, CancellationToken cancellationToken)
    {
        if (argument != "-")
            return Encoding.UTF8.GetBytes(argument);
        using var content = new MemoryStream();
        await using var input = Console.OpenStandardInput();
        await input.CopyToAsync(content, cancellationToken);
        return content.ToArray();
    }
}
