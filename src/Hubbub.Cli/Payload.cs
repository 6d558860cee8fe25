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
        // A read from a terminal cannot be given up; it ends with the process.
        return await Task.Run(ReadInput, cancellationToken).WaitAsync(cancellationToken);
    }

    private static byte[] ReadInput()
    {
        using var content = new MemoryStream();
        using var input = Console.OpenStandardInput();
        input.CopyTo(content);
        return content.ToArray();
    }
}
