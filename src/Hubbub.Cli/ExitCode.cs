namespace Hubbub.Cli;

/// <summary>What the process says when it ends.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>Refused or failed; one line on standard error says what, which id, why, and what to do.</summary>
    public const int Failed = 1;

    /// <summary>The command line was not understood.</summary>
    public const int Usage = 2;
}

/// <summary>Ends a verb. The message is the one line on standard error.</summary>
internal sealed class CommandFailedException(string message, int exitCode = ExitCode.Failed, Exception? inner = null)
    : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;
}
