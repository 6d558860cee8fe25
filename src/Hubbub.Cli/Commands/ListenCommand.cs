using System.CommandLine;
using Hubbub.Client;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub listen</c>: takes a device's commands in its name, prints them, and settles each.</summary>
internal static class ListenCommand
{
    /// <summary>Commands taken ahead at most.</summary>
    private const int Prefetch = 8;

    private static readonly Argument<string> Device =
        new("DEVICE") { Description = "The device's id, or DEVICE/MODULE; case matters." };
    private static readonly Option<bool> Complete =
        new("--complete") { Description = "Complete each command. The default." };
    private static readonly Option<bool> Reject =
        new("--reject") { Description = "Reject each command: it ends as Rejected." };
    private static readonly Option<bool> Abandon =
        new("--abandon") { Description = "Give each command back: the hub gives it again, ten times at most." };
    private static readonly Option<long?> Count = CommonOptions.Count("End after so many commands.");
    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command("listen", "Receive a device's commands in its name; Ctrl+C ends it.")
        {
            Device, Complete, Reject, Abandon, Count, Data, Json,
        };
        command.Validators.Add(result =>
        {
            bool[] chosen = [result.GetValue(Complete), result.GetValue(Reject), result.GetValue(Abandon)];
            if (chosen.Count(static each => each) > 1)
                result.AddError("Only one of --complete, --reject and --abandon may be given.");
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var hub = HubAddress.Find(parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
        var identity = IdentityName.Parse(parsed.GetValue(Device)!);
        var what = $"the commands of {identity} cannot be received";
        var count = parsed.GetValue(Count) ?? long.MaxValue;
        using var interruption = new Interruption(cancellationToken);
        try
        {
            var options = new DeviceClientOptions { CommandPrefetch = (int)Math.Min(Prefetch, count) };
            await using var device = await DeviceClients.ConnectAsync(hub, identity, options, what, interruption.Token);
            if (!parsed.GetValue(Json) && !Console.IsErrorRedirected)
                Console.Error.WriteLine($"Listening for commands to {identity} at {hub.HostName}.");
            await ListenAsync(device, parsed, count, interruption.Token);
        }
        catch (HubbubException e)
        {
            throw HubClients.Refused(what, e, DeviceClients.RemedyFor(e, identity.DeviceId));
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            // Ctrl+C is how it is meant to end.
        }
        return ExitCode.Done;
    }

    private static async Task ListenAsync(
        DeviceClient device, ParseResult parsed, long count, CancellationToken cancellationToken)
    {
        using var lines = new CommandLines(parsed.GetValue(Json));
        await using var output = Output.OpenStream();
        await foreach (var command in device.ReceiveCommandsAsync(cancellationToken))
        {
            try
            {
                lines.Write(command, output);
            }
            catch (IOException)
            {
                // Nobody has seen it, so it goes to the next receiver.
                return;
            }
            // What was printed is settled, also when the verb is being ended.
            if (parsed.GetValue(Reject))
                await command.RejectAsync(CancellationToken.None);
            else if (parsed.GetValue(Abandon))
                await command.AbandonAsync(CancellationToken.None);
            else
                await command.CompleteAsync(CancellationToken.None);
            if (--count == 0)
                return;
        }
    }
}
