using System.CommandLine;
using System.CommandLine.Parsing;

namespace Hubbub.Cli;

/// <summary>Options that several verbs have.</summary>
internal static class CommonOptions
{
    public const string DefaultDataDirectory = ".hubbub";

    public static Option<string> Data() => new("--data")
    {
        Description = "The hub's data directory.",
        HelpName = "DIR",
        DefaultValueFactory = _ => DefaultDataDirectory,
    };

    public static Option<bool> Json() => new("--json") { Description = "Print JSON, one object a line." };

    public static Option<KeyValuePair<string, string>[]> Properties() => new("--property", "-p")
    {
        Description = "An application property; may be given more than once.",
        HelpName = "KEY=VALUE",
        CustomParser = ParseProperties,
    };

    /// <summary>A number of things after which the verb ends.</summary>
    public static Option<long?> Count(string description) => NumberOption.CreateCount("--count", description);

    private static KeyValuePair<string, string>[] ParseProperties(ArgumentResult result)
    {
        var properties = new Dictionary<string, string>();
        foreach (var token in result.Tokens)
        {
            var equals = token.Value.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
                result.AddError($"'{token.Value}' is no property; write KEY=VALUE.");
            else
                properties[token.Value[..equals]] = token.Value[(equals + 1)..];
        }
        return [.. properties];
    }
}
