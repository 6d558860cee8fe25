using System.CommandLine;
using Hubbub.Cli;

var parsed = HubbubCommand.Create().Parse(args);
if (parsed.Errors.Count > 0)
{
    var reasons = string.Join(" ", parsed.Errors.Select(error => error.Message).Distinct());
    Console.Error.WriteLine($"hubbub: {reasons} See 'hubbub --help'.");
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
