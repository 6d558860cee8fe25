using System.CommandLine;
using System.Net;
using System.Text.Json;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub device import FILE</c>: identities from the lines of an export, Hubbub's or Azure's.</summary>
internal static class DeviceImport
{
    public const string StandardStream = "-";

    private const string Advice = "Repeat it; what was imported already is left as it is.";

    private static readonly Argument<string> File = new("FILE")
    {
        Description = "Lines of JSON as an export has them (Azure's blob devices.txt); - reads standard input.",
    };

    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command(
            "import", "Create, update or delete devices and modules from a file; can be repeated.")
        {
            File, Data, Json,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (path, json) = (parsed.GetValue(File)!, parsed.GetValue(Json));
        var what = $"'{path}' was not imported";
        using var interruption = new Interruption(cancellationToken);
        await using var input = Open(path, what);
        var hub = HubAddress.Find(parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
        using var rest = new HubRest(hub, Timeout.InfiniteTimeSpan);
        long? length = input.CanSeek ? input.Length : null;
        try
        {
            return await TransferProgress.RunAsync("Importing", length, async progress =>
            {
                using var content = new StreamContent(new CountedStream(input, progress), 1 << 16);
                content.Headers.ContentType = new("application/x-ndjson");
                using var response = await rest.StreamAsync(
                    HttpMethod.Post, "/hubbub/devices/import", content, what, interruption.Token);
                return await ReadReportAsync(response, json, what, interruption.Token);
            });
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            throw new CommandFailedException($"{what} to its end: interrupted. {Advice}");
        }
        catch (CommandFailedException e) when (e.InnerException is HttpRequestException)
        {
            throw new CommandFailedException($"{e.Message} {Advice}", inner: e);
        }
    }

    /// <summary>Reports refused lines as they come, and ends with the summary.</summary>
    private static async Task<int> ReadReportAsync(
        HttpResponseMessage response, bool json, string what, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var reader = new StreamReader(body);
        JsonElement? summary = null;
        try
        {
            while (await reader.ReadLineAsync(cancellationToken) is { Length: > 0 } line)
            {
                using var document = JsonDocument.Parse(line);
                var entry = document.RootElement;
                if (entry.TryGetProperty("error", out _))
                    Report(entry, json);
                else if (entry.TryGetProperty("changed", out _))
                    summary = entry.Clone();
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException or JsonException)
        {
            summary = null;
        }
        if (summary is not { } done)
        {
            throw new CommandFailedException($"{what} to its end: the hub broke off. {Advice}");
        }
        if (json)
            Output.JsonLine(done);
        else
            Summarise(done);
        return done.GetProperty("failed").GetInt64() == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Report(JsonElement entry, bool json)
    {
        if (json)
        {
            Output.JsonLine(entry);
            return;
        }
        var (id, module) = (Output.TextOf(entry, "id"), Output.TextOf(entry, "moduleId"));
        var who = (id, module) switch
        {
            ("", _) => "",
            (_, "") => $" {id}:",
            _ => $" {id}/{module}:",
        };
        var (line, code, error) = (
            Output.TextOf(entry, "line"), Output.TextOf(entry, "errorCode"), Output.TextOf(entry, "error"));
        Console.Error.WriteLine($"line {line}:{who} {code}: {error}");
    }

    private static void Summarise(JsonElement done)
    {
        var (failed, notListed, twins) = (Count("failed"), Count("failedNotListed"), Count("twinsNotImported"));
        Console.Out.WriteLine($"{Count("changed")} imported, {Count("unchanged")} were so already, {failed} refused.");
        if (notListed > 0)
            Console.Error.WriteLine($"{notListed} more refused lines are not listed; correct these and repeat.");
        if (twins > 0)
            Console.Error.WriteLine($"{twins} lines have tags or desired properties, which are not kept yet.");

        long Count(string name) => done.GetProperty(name).GetInt64();
    }

    private static Stream Open(string path, string what)
    {
        if (path == StandardStream)
            return Console.OpenStandardInput();
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, useAsync: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"{what}: {e.Message}", inner: e);
        }
    }
}
