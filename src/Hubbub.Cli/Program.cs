using System.CommandLine;
using Hubbub.Cli;

// The parser would take these for an option without a name, and the id 'A' out of '-:A'.
var nameless = args.TakeWhile(arg => arg != "--").FirstOrDefault(arg => arg.StartsWith("-:") || arg.StartsWith("-="));
if (nameless is not null)
{
    Console.Error.WriteLine($"hubbub: '{nameless}' is not an option; an id that begins so goes to the end, behind --.");
    return ExitCode.Usage;
}
// The runtime looks for certificates below the user's home, and fails where a user has none: a container's, a
// service's.
if (!OperatingSystem.IsWindows() && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("HOME")))
{
    var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
    Environment.SetEnvironmentVariable("HOME", home.Length > 0 ? home : "/");
}

// An at sign may begin an id; it names no file to read arguments from.
var parsed = HubbubCommand.Create().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Errors.Count > 0)
{
    Console.Error.WriteLine($"hubbub: {UsageText.Of(parsed)}");
    return ExitCode.Usage;
}
try
{
    // Each verb that has to tidy up listens for signals itself.
    return await parsed.InvokeAsync(
        new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
}
catch (CommandFailedException e)
{
    Console.Error.WriteLine($"hubbub: {e.Message.ReplaceLineEndings(" ")}");
    return e.ExitCode;
}
