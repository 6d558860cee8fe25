using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using System.Text.Unicode;
using Hubbub.Client;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub c2d</c>: sends a command to a device, and tells what becomes of it.</summary>
internal static class C2dCommand
{
    private static readonly Argument<string> Device =
        new("DEVICE") { Description = "The device's id, or DEVICE/MODULE; case matters." };
    private static readonly Argument<string> Body =
        new("BODY") { Description = "The payload; - reads it from standard input." };
    private static readonly Option<string> Ack = new("--ack")
    {
        Description = "Which outcomes the hub tells by feedback: none, positive, negative or full.",
        HelpName = "ACK",
        DefaultValueFactory = _ => "none",
    };
    private static readonly Option<TimeSpan?> Expires = new("--expires")
    {
        Description = "How long the device may take, as 90s or 1h; at most two days. Default: the hub's, 1h.",
        HelpName = "DURATION",
        CustomParser = ParseExpiry,
    };
    private static readonly Option<KeyValuePair<string, string>[]> Properties = CommonOptions.Properties();
    private static readonly Option<string?> ContentType =
        new("--content-type") { Description = "The payload's media type, as application/json.", HelpName = "TYPE" };
    private static readonly Option<string?> MessageId =
        new("--message-id") { Description = "The command's id. Default: a new GUID.", HelpName = "ID" };
    private static readonly Option<bool> Wait = new("--wait")
    {
        Description = "Wait for the outcome; exit code 1 unless the device completes it.",
    };
    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        Ack.AcceptOnlyFromAmong("none", "positive", "negative", "full");
        var command = new Command("c2d", "Send a command to a device.")
        {
            Device, Body, Ack, Expires, Properties, ContentType, MessageId, Wait, Data, Json,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var hub = HubAddress.Find(parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
        var identity = IdentityName.Parse(parsed.GetValue(Device)!);
        var what = $"no command was sent to {identity}";
        using var interruption = new Interruption(cancellationToken);
        try
        {
            var command = await CommandAsync(parsed, interruption.Token);
            await using var service = await ServiceClients.ConnectAsync(hub, what, interruption.Token);
            var journey = new CommandJourney(service, identity, command, parsed.GetValue(Json));
            if (!parsed.GetValue(Wait))
            {
                await journey.SendAsync(interruption.Token);
                return ExitCode.Done;
            }
            var outcome = await journey.FollowAsync(interruption.Token);
            return outcome == CommandOutcome.Success
                ? ExitCode.Done
                : throw new CommandFailedException(
                    $"command '{command.MessageId}' to {identity} was not completed: {outcome}.");
        }
        catch (HubbubException e)
        {
            throw HubClients.Refused(what, e, ServiceClients.RemedyFor(e));
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            throw new CommandFailedException($"interrupted; the command to {identity} may have been sent.");
        }
    }

    private static async Task<CommandMessage> CommandAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var contentType = parsed.GetValue(ContentType);
        if (contentType is not null && !Ascii.IsValid(contentType))
            throw new CommandFailedException($"--content-type '{contentType}' is not ASCII.", ExitCode.Usage);
        var body = await Payload.ReadAsync(parsed.GetValue(Body)!, cancellationToken);
        var command = new CommandMessage(body)
        {
            Acknowledgement = Enum.Parse<CommandAcknowledgement>(parsed.GetValue(Ack)!, ignoreCase: true),
            ContentType = contentType,
            ContentEncoding = contentType is not null && Utf8.IsValid(body) ? "utf-8" : null,
            ExpiresAt = parsed.GetValue(Expires) is { } expires ? TimeProvider.System.GetUtcNow() + expires : null,
        };
        if (parsed.GetValue(MessageId) is { } id)
            command.MessageId = id;
        foreach (var (name, value) in parsed.GetValue(Properties) ?? [])
            command.Properties[name] = value;
        return command;
    }

    private static TimeSpan? ParseExpiry(ArgumentResult result)
    {
        var expiry = Quantities.ParseDuration(result);
        if (expiry <= TimeSpan.Zero && !result.Errors.Any())
            result.AddError("--expires must be more than 0.");
        return expiry;
    }
}
