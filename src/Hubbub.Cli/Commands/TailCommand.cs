using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Hubbub.Client;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub tail</c>: shows events as they come, or from a position on.</summary>
internal static class TailCommand
{
    private const int OutputBufferBytes = 64 << 10;

    private static readonly Option<string?> Partition =
        new("--partition") { Description = "One partition only.", HelpName = "P" };
    private static readonly Option<EventPosition?> From = new("--from")
    {
        Description = "start, end, a sequence number, a time (2026-01-31T12:00Z), or how long ago (15m). Default: end.",
        HelpName = "POSITION",
        CustomParser = ParsePosition,
    };
    private static readonly Option<long?> Count = CommonOptions.Count("End after so many events.");
    private static readonly Option<string> Group = new("--group")
    {
        Description = "The consumer group.",
        HelpName = "NAME",
        DefaultValueFactory = _ => "$Default",
    };
    private static readonly Option<string?> Endpoint = new("--endpoint")
    {
        Description = "The stream of this endpoint, or its dead letters when the hub delivers it. Default: events.",
        HelpName = "NAME",
    };
    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("tail", "Show events as they come; Ctrl+C ends it.")
        {
            Partition, From, Count, Group, Endpoint, Data, Json,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var hub = HubAddress.Find(parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
        using var interruption = new Interruption(cancellationToken);
        try
        {
            var endpoint = RoutingRest.CustomEndpointOf(parsed, Endpoint);
            var to = await ConnectionStringOfAsync(hub, endpoint, interruption.Token);
            var (reader, subscription) = await HubClients.ConnectAsync(
                hub, dialHostName => SubscribeAsync(hub, to, parsed, dialHostName, interruption.Token));
            await using (reader)
            await using (subscription)
            {
                if (!parsed.GetValue(Json) && !Console.IsErrorRedirected)
                    Console.Error.WriteLine(
                        $"Reading partitions {string.Join(", ", subscription.PartitionIds)} of {hub.HostName}.");
                await CopyShowingRateAsync(subscription, parsed, interruption.Token);
            }
        }
        catch (HubbubException e)
        {
            throw HubClients.Refused($"the events of {hub.HostName} cannot be read", e, RemedyFor(e));
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            // Ctrl+C is how it is meant to end.
        }
        return ExitCode.Done;
    }

    private static async Task<ConnectionString> ConnectionStringOfAsync(
        HubAddress hub, string? endpoint, CancellationToken cancellationToken)
    {
        if (endpoint is null)
            return ConnectionString.ForService(hub.HostName, hub.PolicyName, hub.Key, hub.AmqpsPort);
        using var rest = new HubRest(hub);
        var found = await rest.SendAsync(
            HttpMethod.Get, RoutingRest.PathOf("endpoints", endpoint), null, null,
            $"the events of endpoint '{endpoint}' cannot be read", cancellationToken);
        return ConnectionString.Parse(
            $"Endpoint=sb://{hub.HostName}:{hub.AmqpsPort}/;SharedAccessKeyName={hub.PolicyName};"
            + $"SharedAccessKey={hub.Key};EntityPath={Output.TextOf(found!.Value, "entity")}");
    }

    private static async Task<(EventReader Reader, EventSubscription Subscription)> SubscribeAsync(
        HubAddress hub, ConnectionString to, ParseResult parsed, string? dialHostName,
        CancellationToken cancellationToken)
    {
        var options = new EventReaderOptions { ConsumerGroup = parsed.GetValue(Group)! };
        var reader = EventReader.Create(to, HubClients.Reach(options, hub, dialHostName));
        try
        {
            string[]? partitions = parsed.GetValue(Partition) is { } partition ? [partition] : null;
            return (reader, await reader.SubscribeAsync(
                parsed.GetValue(From) ?? EventPosition.End, partitions, cancellationToken));
        }
        catch
        {
            await reader.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where the events go to a file or pipe, a terminal shows how fast; else it shows the events.</summary>
    private static async Task CopyShowingRateAsync(
        EventSubscription subscription, ParseResult parsed, CancellationToken cancellationToken)
    {
        var count = parsed.GetValue(Count);
        var shown = new Counter();
        var started = TimeProvider.System.GetTimestamp();
        try
        {
            Task<long> CopyAllAsync() =>
                CopyAsync(subscription, count ?? long.MaxValue, parsed.GetValue(Json), shown, cancellationToken);
            _ = Console.IsOutputRedirected
                ? await RateProgress.RunAsync("events", count, () => shown.Value, CopyAllAsync)
                : await CopyAllAsync();
        }
        finally
        {
            if (!Console.IsErrorRedirected)
            {
                var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
                Console.Error.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{shown.Value:N0} events in {seconds:0.0} s, "
                    + $"{shown.Value / Math.Max(seconds, 1e-3):N0} a second."));
            }
        }
    }

    private static async Task<long> CopyAsync(
        EventSubscription subscription, long count, bool json, Counter shown, CancellationToken cancellationToken)
    {
        await using var output = Output.OpenStream();
        using var lines = new EventLines(json);
        await using var events = subscription.GetAsyncEnumerator(cancellationToken);
        try
        {
            for (; shown.Value < count; shown.Increment())
            {
                var next = events.MoveNextAsync();
                if (!next.IsCompleted || lines.Length > OutputBufferBytes)
                    lines.WriteTo(output);
                if (!await next)
                    break;
                lines.Add(events.Current);
            }
        }
        catch (IOException)
        {
            // Whoever read the lines has had enough.
        }
        finally
        {
            lines.TryWriteTo(output);
        }
        return shown.Value;
    }

    private static string? RemedyFor(HubbubException e) => e.Condition switch
    {
        HubbubCondition.UnauthorizedAccess => "The policy must have the right ServiceConnect.",
        HubbubCondition.NotFound => "See 'hubbub consumer-group list'; partitions are numbered from 0.",
        _ when e.IsTransient => "Try again.",
        _ => null,
    };

    private static EventPosition? ParsePosition(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text == "start")
            return EventPosition.Start;
        if (text == "end")
            return EventPosition.End;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var sequenceNumber))
            return EventPosition.FromSequenceNumber(sequenceNumber);
        if (Quantities.TryParseDuration(text, out var ago))
            return EventPosition.FromEnqueuedTime(TimeProvider.System.GetUtcNow() - ago);
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            return EventPosition.FromEnqueuedTime(time);
        result.AddError($"'{text}' is no position; write start, end, a sequence number, a time, or a duration as 15m.");
        return null;
    }
}
