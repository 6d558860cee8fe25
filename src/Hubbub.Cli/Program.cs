using System.CommandLine;
using Hubbub.Cli;

var parsed = HubbubCommand.Create().Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
        Console.Error.WriteLine($"hubbub: {error.Message}");
    Console.Error.WriteLine("hubbub: see 'hubbub --help'.");
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
