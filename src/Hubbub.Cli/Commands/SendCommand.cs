using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Hubbub.Client;

namespace Hubbub.Cli.Commands;

/// <summary>
/// <c>hubbub send</c>: telemetry in a device's name, over AMQP and TLS as the device itself would send it.
/// </summary>
internal static class SendCommand
{
    /// <summary>Messages under way at a time: enough to hide the round trip.</summary>
    private const int Window = 4_096;

    private static readonly Argument<string> Device = new("DEVICE") { Description = "The device's id; case matters." };
    private static readonly Argument<string> Body = new("BODY")
    {
        Description = "The payload; - reads it from standard input. Default: hello.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private static readonly Option<KeyValuePair<string, string>[]> Properties = CommonOptions.Properties();
    private static readonly Option<string?> ContentType =
        new("--content-type") { Description = "The payload's media type, as application/json.", HelpName = "TYPE" };
    private static readonly Option<long?> Count = CommonOptions.Count("How many messages, all the same. Default: 1.");
    private static readonly Option<double?> Rate = new("--rate")
    {
        Description = "Messages a second at most. Default: as fast as the hub takes them.",
        HelpName = "R",
        CustomParser = ParseRate,
    };
    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("send", "Send telemetry in a device's name.")
        {
            Device, Body, Properties, ContentType, Count, Rate, Data, Json,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var hub = HubAddress.Find(parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
        var id = parsed.GetValue(Device)!;
        var what = $"nothing was sent for device '{id}'";
        using var interruption = new Interruption(cancellationToken);
        try
        {
            var message = await MessageAsync(parsed, interruption.Token);
            await using var device = await DeviceClients.ConnectAsync(
                hub, IdentityName.Parse(id), new DeviceClientOptions { SendWindow = Window }, what, interruption.Token);
            var time = TimeProvider.System;
            var started = time.GetTimestamp();
            var count = parsed.GetValue(Count) ?? 1;
            var soFar = new Counter();
            var accepted = await RateProgress.RunAsync(
                "accepted", count, () => soFar.Value,
                () => SendAsync(device, message, count, parsed.GetValue(Rate), soFar, interruption.Token));
            Report(id, accepted, time.GetElapsedTime(started), parsed.GetValue(Json));
            return accepted == count
                ? ExitCode.Done
                : throw new CommandFailedException(
                    $"interrupted: {accepted} of {count} messages of device '{id}' were sent.");
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            throw new CommandFailedException($"{what}: interrupted.");
        }
    }

    private static async Task<TelemetryMessage> MessageAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var contentType = parsed.GetValue(ContentType);
        if (contentType is not null && !Ascii.IsValid(contentType))
            throw new CommandFailedException($"--content-type '{contentType}' is not ASCII.", ExitCode.Usage);
        var body = await Payload.ReadAsync(parsed.GetValue(Body) ?? "hello", cancellationToken);
        var message = new TelemetryMessage(body)
        {
            ContentType = contentType,
            // Routes look into a body only when they are told how its text is encoded.
            ContentEncoding = contentType is not null && Utf8.IsValid(body) ? "utf-8" : null,
        };
        foreach (var (name, value) in parsed.GetValue(Properties) ?? [])
            message.Properties[name] = value;
        return message;
    }

    /// <summary>Sends, many at a time; the hub's answers come in the order of the messages.</summary>
    /// <returns>How many were accepted: all, unless it was interrupted.</returns>
    private static async Task<long> SendAsync(
        DeviceClient device,
        TelemetryMessage message,
        long count,
        double? rate,
        Counter accepted,
        CancellationToken cancellationToken)
    {
        var underWay = new Queue<Task>(Window);
        var sent = 0L;
        try
        {
            var started = TimeProvider.System.GetTimestamp();
            while (sent < count && !cancellationToken.IsCancellationRequested)
            {
                if (rate is { } perSecond)
                    await WhenDueAsync(sent / perSecond, started, cancellationToken);
                // At a slow rate the window never fills, and yet a refusal ends it at once.
                while (underWay.Count == Window || (underWay.TryPeek(out var oldest) && oldest.IsCompleted))
                {
                    await underWay.Dequeue();
                    accepted.Increment();
                }
                underWay.Enqueue(device.SendAsync(message, CancellationToken.None).AsTask());
                sent++;
            }
            for (; underWay.Count > 0; accepted.Increment())
                await underWay.Dequeue();
            return accepted.Value;
        }
        catch (HubbubException e)
        {
            throw HubClients.Refused(
                $"{accepted.Value} of {count} messages of device '{device.DeviceId}' were accepted",
                e,
                DeviceClients.RemedyFor(e, device.DeviceId));
        }
    }

    private static async Task WhenDueAsync(double dueSeconds, long started, CancellationToken cancellationToken)
    {
        var wait = TimeSpan.FromSeconds(dueSeconds) - TimeProvider.System.GetElapsedTime(started);
        // Timers are coarse: what is due within a millisecond is due.
        if (wait > TimeSpan.FromMilliseconds(1))
        {
            await Task.Delay(wait, TimeProvider.System, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static double? ParseRate(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate)
            && rate > 0)
            return rate;
        result.AddError($"--rate must be a number above 0, not '{text}'.");
        return null;
    }

    private static void Report(string id, long accepted, TimeSpan took, bool json)
    {
        var perSecond = accepted / Math.Max(took.TotalSeconds, 1e-6);
        Console.Out.WriteLine(json
            ? new JsonObject
            {
                ["deviceId"] = id,
                ["accepted"] = accepted,
                ["seconds"] = Math.Round(took.TotalSeconds, 6),
                ["perSecond"] = Math.Round(perSecond, 1),
            }.ToJsonString()
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{accepted} accepted in {took.TotalSeconds:0.###} s ({perSecond:0} a second)"));
    }
}
