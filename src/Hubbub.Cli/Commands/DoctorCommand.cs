using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Hubbub.Cli.Doctor;
using Hubbub.Server.Hosting;
using Spectre.Console;

namespace Hubbub.Cli.Commands;

/// <summary>
/// <c>hubbub doctor</c>: finds and explains what commonly goes wrong. Looks at the hub that runs, or at whether one
/// could run here; changes nothing.
/// </summary>
internal static class DoctorCommand
{
    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Json = CommonOptions.Json();
    private static readonly Option<string> Host = new("--host")
    {
        Description = "The name that the hub is to have. Default: the running hub's, else localhost.",
        HelpName = "NAME",
    };

    public static Command Create()
    {
        var command = new Command("doctor", "Find and explain what commonly goes wrong.") { Data, Host, Json };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var data = parsed.GetValue(Data)!;
        var findings = FindHub(data, parsed.GetResult(Data) is { Implicit: false }, out var reason) is { } hub
            ? await LookAtHubAsync(hub, data, cancellationToken)
            : await LookAtMachineAsync(data, parsed.GetValue(Host) ?? "localhost", reason, cancellationToken);
        foreach (var finding in findings)
            Print(finding, parsed.GetValue(Json));
        return findings.Exists(finding => finding.Level == FindingLevel.Problem) ? ExitCode.Failed : ExitCode.Done;
    }

    private static HubAddress? FindHub(string data, bool isDataGiven, out Finding? reason)
    {
        reason = null;
        try
        {
            return HubAddress.Find(data, isDataGiven);
        }
        catch (CommandFailedException e)
        {
            // No hub is a finding only when somebody believes that there is one.
            reason = e switch
            {
                { ExitCode: ExitCode.Usage } =>
                    Finding.Problem(
                        "connection string", e.Message, "Print a good one with 'hubbub connection-string'."),
                { InnerException: not null } =>
                    Finding.Problem("hub", e.Message, "Without that file nothing more can be said about the hub."),
                _ => null,
            };
            return null;
        }
    }

    private static async Task<List<Finding>> LookAtHubAsync(
        HubAddress hub, string data, CancellationToken cancellationToken)
    {
        List<Finding> findings = [];
        var name = await NameCheck.RunAsync(hub.HostName, hub.Local is not null, cancellationToken);
        // A hub of this machine is reached without its name; of another one, nothing can be said.
        if (hub.Local is null && name.Level == FindingLevel.Problem)
            return [OfHub(hub), name];
        var answers = await new HubCheck(hub, TimeProvider.System).RunAsync(cancellationToken);
        if (hub.Local is { Pid: { } pid } && !IsRunning(pid) && answers.Exists(IsSilent))
        {
            findings.Add(Finding.Problem(
                "hub", $"{hub.HostName} ended without a word: its process {pid} is gone, and nothing answers for it.",
                "Start it again with 'hubbub up'; was it killed for want of memory (dmesg)?"));
            answers.Clear();
        }
        else
        {
            findings.Add(OfHub(hub));
        }
        findings.Add(name);
        if (await ClockCheck.RunAsync(hub, TimeProvider.System, cancellationToken) is { } clock)
            findings.Add(clock);
        findings.AddRange(answers);
        if (hub.Local is not null)
            findings.AddRange(DataDirectoryCheck.Run(data, TimeProvider.System));
        return findings;
    }

    private static Finding OfHub(HubAddress hub) => Finding.Ok("hub", hub.Local is null
        ? $"{hub.HostName}, as {HubAddress.Variable} says."
        : $"{hub.HostName} runs in '{hub.Local.Data}'.");

    private static bool IsSilent(Finding finding) =>
        finding is { Level: FindingLevel.Problem, Subject: HubCheck.AmqpsSubject };

    private static bool IsRunning(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static async Task<List<Finding>> LookAtMachineAsync(
        string data, string hostName, Finding? reason, CancellationToken cancellationToken)
    {
        if (reason is not null)
            return [reason];
        List<Finding> findings =
            [Finding.Ok("hub", $"None runs in '{Path.GetFullPath(data)}'; looking at whether one could.")];
        findings.Add(await NameCheck.RunAsync(hostName, isOfThisMachine: true, cancellationToken));
        foreach (var (purpose, problem) in PortProbe.Run(
            new HubOptions { DataDirectory = data, HostNames = [hostName] }))
        {
            findings.Add(problem is null
                ? Finding.Ok("port", $"{purpose} may be bound.")
                : Finding.Problem("port", problem, "See 'hubbub up --help' for the ports' options."));
        }
        findings.AddRange(DataDirectoryCheck.Run(data, TimeProvider.System));
        return findings;
    }

    private static void Print(Finding finding, bool isJson)
    {
        var level = finding.Level.ToString().ToLowerInvariant();
        if (isJson)
        {
            Console.Out.WriteLine(new JsonObject
            {
                ["level"] = level,
                ["subject"] = finding.Subject,
                ["text"] = finding.Text,
                ["remedy"] = finding.Remedy,
            }.ToJsonString(Output.ReadableJson));
            return;
        }
        if (Console.IsOutputRedirected)
        {
            Console.Out.WriteLine(
                string.Join('\t', level, finding.Subject, finding.Text, finding.Remedy).TrimEnd('\t'));
            return;
        }
        var mark = finding.Level switch
        {
            FindingLevel.Ok => "[green]ok[/]     ",
            FindingLevel.Warning => "[yellow]warning[/]",
            _ => "[red]problem[/]",
        };
        AnsiConsole.MarkupLine($"{mark} [bold]{Markup.Escape(finding.Subject)}[/]: {Markup.Escape(finding.Text)}");
        if (finding.Remedy is not null)
            AnsiConsole.MarkupLine($"        {Markup.Escape(finding.Remedy)}");
    }
}
