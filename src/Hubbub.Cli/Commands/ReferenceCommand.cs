using System.CommandLine;
using System.Text;

namespace Hubbub.Cli.Commands;

/// <summary>
/// <c>hubbub reference</c>: prints every verb with its arguments and options as Markdown, from the same declarations
/// that parse them. docs/command-line.md is its output, and a test says whether it still is.
/// </summary>
internal static class ReferenceCommand
{
    public static Command Create()
    {
        var command =
            new Command("reference", "Print the reference of the command line as Markdown.") { Hidden = true };
        command.SetAction(_ =>
        {
            Console.Out.Write(Describe(HubbubCommand.Create()));
            return ExitCode.Done;
        });
        return command;
    }

    private static string Describe(RootCommand root)
    {
        var text = new StringBuilder()
            .AppendLine("# The command line")
            .AppendLine()
            .AppendLine("Made by `hubbub reference` from the declarations of the verbs; do not edit it by hand.")
            .AppendLine()
            .AppendLine(
                $"Verbs find the hub through the environment variable `{HubAddress.Variable}` (a "
                + "connection string of this")
            .AppendLine(
                "hub or of Azure's), else through the data directory of the hub that runs on this machine. "
                + "Exit codes: 0 done,")
            .AppendLine(
                "1 refused or failed (one line on standard error says what, which id, "
                + "why and what to do), 2 wrong usage.");
        foreach (var command in root.Subcommands.Where(command => !command.Hidden))
            Append(text, "hubbub", command);
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void Append(StringBuilder text, string parent, Command command)
    {
        var name = $"{parent} {command.Name}";
        var visible = command.Subcommands.Where(subcommand => !subcommand.Hidden).ToArray();
        if (visible.Length == 0 || command.Action is not null)
        {
            var arguments = string.Concat(command.Arguments.Select(argument =>
                argument.Arity.MinimumNumberOfValues == 0 ? $" [{argument.Name}]" : $" {argument.Name}"));
            text.AppendLine().AppendLine($"## `{name}{arguments}`").AppendLine().AppendLine(command.Description);
            AppendTable(text, command);
        }
        foreach (var subcommand in visible)
            Append(text, name, subcommand);
    }

    private static void AppendTable(StringBuilder text, Command command)
    {
        var rows = command.Arguments.Select(argument => (Name: $"`{argument.Name}`", argument.Description))
            .Concat(
                command.Options.Where(option => !option.Hidden).Select(option => (NameOf(option), option.Description)))
            .ToArray();
        if (rows.Length == 0)
            return;
        text.AppendLine().AppendLine("| | |").AppendLine("|---|---|");
        foreach (var (name, description) in rows)
            text.AppendLine($"| {name} | {description?.Replace("|", "\\|", StringComparison.Ordinal)} |");
    }

    private static string NameOf(Option option)
    {
        var names = string.Join("`, `", option.Aliases.Prepend(option.Name));
        var isFlag = option.ValueType == typeof(bool);
        var value = isFlag ? "" : $" {option.HelpName ?? "VALUE"}";
        var isRepeatable = option.ValueType.IsArray;
        return $"`{names}{value}`{(isRepeatable ? " (repeatable)" : "")}{DefaultOf(option, isFlag)}";
    }

    /// <summary>Defaults that are more than a word stand in the option's description.</summary>
    private static string DefaultOf(Option option, bool isFlag) =>
        !isFlag && option.HasDefaultValue && option.GetDefaultValue() is string or int or Enum
            ? $", default `{option.GetDefaultValue()}`"
            : "";
}
