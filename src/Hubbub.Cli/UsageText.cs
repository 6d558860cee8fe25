using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace Hubbub.Cli;

/// <summary>Why a command line was not understood, as one line for people.</summary>
internal static partial class UsageText
{
    public static string Of(ParseResult parsed)
    {
        var verb = PathOf(parsed.CommandResult);
        var subcommands = parsed.CommandResult.Command.Subcommands.Where(command => !command.Hidden).ToArray();
        var reason = (subcommands.Length, parsed.UnmatchedTokens.Count) switch
        {
            (0, _) => string.Join(" ", parsed.Errors.Select(error => Plain(error.Message)).Distinct()),
            (_, 0) => $"'{verb}' wants one of: {Names(subcommands)}.",
            _ => $"'{parsed.UnmatchedTokens[0]}' is none of: {Names(subcommands)}.",
        };
        return $"{reason} See '{verb} --help'.";
    }

    private static string Names(Command[] commands) => string.Join(", ", commands.Select(command => command.Name));

    private static string PathOf(CommandResult result) => result.Parent is CommandResult parent
        ? $"{PathOf(parent)} {result.Command.Name}"
        : "hubbub";

    /// <summary>The parser names types of .NET, and lists what it would take on lines of its own.</summary>
    private static string Plain(string message)
    {
        var lines = TypeName().Replace(message, "").Split(
            '\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length <= 1 ? string.Concat(lines) : $"{lines[0]} {string.Join(", ", lines[1..])}.";
    }

    [GeneratedRegex(" as expected type '[^']*'")]
    private static partial Regex TypeName();
}
