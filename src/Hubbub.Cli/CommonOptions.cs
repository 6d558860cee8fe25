using System.CommandLine;

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
}
