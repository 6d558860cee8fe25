using System.CommandLine;

namespace Hubbub.Cli;

/// <summary>
/// A verb that asks the hub over its HTTPS service: beside its own parameters it has the options that say which hub,
/// and how the answer is printed.
/// </summary>
internal static class HubVerb
{
    public static Option<string> Data { get; } = CommonOptions.Data();

    public static Option<bool> Json { get; } = CommonOptions.Json();

    /// <param name="name">The verb's word.</param>
    /// <param name="description">What it does, in a sentence.</param>
    /// <param name="action">Does it; gives the exit code.</param>
    /// <param name="parameters">Its own arguments and options, in the order of the help.</param>
    public static Command Create(
        string name,
        string description,
        Func<ParseResult, CancellationToken, Task<int>> action,
        params ReadOnlySpan<Symbol> parameters)
    {
        var command = new Command(name, description);
        foreach (var parameter in parameters)
        {
            if (parameter is Argument argument)
                command.Add(argument);
            else
                command.Add((Option)parameter);
        }
        command.Add(Data);
        command.Add(Json);
        command.SetAction(action);
        return command;
    }

    /// <summary>The hub that the options name.</summary>
    public static HubAddress HubOf(ParseResult parsed) =>
        HubAddress.Find(parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
}
