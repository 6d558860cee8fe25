using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Hubbub.Cli.Bench;
using Hubbub.Client;

namespace Hubbub.Cli.Commands;

/// <summary>
/// <c>hubbub bench</c>: loads a hub with devices of its own and shows rates and percentiles, so that anybody can see
/// what this hub does on this machine. It is an ordinary client: everything goes over AMQP and TLS.
/// </summary>
internal static class BenchCommand
{
    private static readonly string[] AllPhases = ["telemetry", "read", "commands"];

    private static readonly Option<int> Devices = Number("--devices", "Devices, a connection each.", 10, 1_000);
    private static readonly Option<int> Size = Number("--size", "Bytes of a message's body.", 256, 60_000);
    private static readonly Option<int> Window = Number("--window", "Messages under way a device.", 500, 5_000);
    private static readonly Option<int> Seconds = Number("--seconds", "How long each phase is measured.", 10, 3_600);
    private static readonly Option<string[]> Phases = new("--phase")
    {
        Description = "telemetry, read or commands; may be given more than once. Default: all three.",
        HelpName = "PHASE",
    };
    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Phases.AcceptOnlyFromAmong(AllPhases);
        var command = new Command(
            "bench", "Measure the hub. It writes events and makes devices, which it removes again.")
        {
            Devices, Size, Window, Seconds, Phases, Data, Json,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var hub = HubAddress.Find(parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
        var plan = new BenchPlan
        {
            Devices = parsed.GetValue(Devices),
            BodyBytes = parsed.GetValue(Size),
            Window = parsed.GetValue(Window),
            Duration = TimeSpan.FromSeconds(parsed.GetValue(Seconds)),
        };
        var phases = parsed.GetValue(Phases) is { Length: > 0 } chosen ? chosen : AllPhases;
        using var interruption = new Interruption(cancellationToken);
        try
        {
            await using var fleet = await BenchFleet.CreateAsync(hub, plan, interruption.Token);
            List<PhaseResult> results = [];
            foreach (var phase in AllPhases.Where(phases.Contains))
                results.Add(await MeasureAsync(phase, hub, fleet, plan, interruption.Token));
            Print(results, parsed.GetValue(Json));
            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            throw new CommandFailedException("the benchmark was interrupted; its devices are removed.");
        }
        catch (HubbubException e)
        {
            throw HubClients.Refused("the benchmark failed", e);
        }
    }

    private static async Task<PhaseResult> MeasureAsync(
        string phase, HubAddress hub, BenchFleet fleet, BenchPlan plan, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        switch (phase)
        {
            case "telemetry":
                var telemetry = new TelemetryPhase(fleet, plan, time);
                return await RateProgress.RunAsync(
                    phase, null, () => telemetry.Count, () => telemetry.RunAsync(cancellationToken));
            case "read":
                var read = new ReadPhase(hub, plan, time);
                return await RateProgress.RunAsync(
                    phase, null, () => read.Count, () => read.RunAsync(cancellationToken));
            default:
                var commands = new CommandPhase(hub, fleet, plan, time);
                return await RateProgress.RunAsync(
                    phase, null, () => commands.Count, () => commands.RunAsync(cancellationToken));
        }
    }

    private static void Print(List<PhaseResult> results, bool isJson)
    {
        if (isJson)
        {
            foreach (var result in results)
                Console.Out.WriteLine(ToJson(result).ToJsonString());
            return;
        }
        string[] headings = ["what", "count", "a second", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"];
        // Numbers without a word beside them would not tell what was measured.
        if (Console.IsOutputRedirected)
            Console.Out.WriteLine(string.Join('\t', headings));
        Output.Table(
            headings,
            results.Select(result => new[]
            {
                result.What, Whole(result.Count), Whole(result.PerSecond),
                Ms(result.Latency?.Percentile(50)), Ms(result.Latency?.Percentile(90)),
                Ms(result.Latency?.Percentile(99)),
                Ms(result.Latency?.Percentile(99.9)), Ms(result.Latency?.Max),
            }));
    }

    private static JsonObject ToJson(PhaseResult result)
    {
        var json = new JsonObject
        {
            ["phase"] = result.Name,
            ["count"] = result.Count,
            ["seconds"] = Math.Round(result.Took.TotalSeconds, 3),
            ["perSecond"] = Math.Round(result.PerSecond, 1),
        };
        if (result.Latency is { } latency)
        {
            foreach (var (name, percent) in new[] { ("p50Ms", 50d), ("p90Ms", 90), ("p99Ms", 99), ("p999Ms", 99.9) })
                json[name] = Math.Round(latency.Percentile(percent).TotalMilliseconds, 3);
            json["maxMs"] = Math.Round(latency.Max.TotalMilliseconds, 3);
        }
        return json;
    }

    private static string Whole(double number) =>
        number.ToString(Console.IsOutputRedirected ? "0" : "N0", CultureInfo.InvariantCulture);

    private static string Ms(TimeSpan? time) =>
        time is { } value ? value.TotalMilliseconds.ToString("0.00", CultureInfo.InvariantCulture) : "";

    private static Option<int> Number(string name, string description, int number, int max) =>
        NumberOption.Create(name, description, number, 1, max);
}
