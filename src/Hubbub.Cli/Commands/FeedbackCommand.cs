using System.CommandLine;
using Hubbub.Client;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub feedback</c>: what became of commands, taken from the hub's one queue of feedback.</summary>
internal static class FeedbackCommand
{
    private static readonly Option<long?> Count = CommonOptions.Count("End after so many records.");
    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<bool> Json = CommonOptions.Json();

    public static Command Create()
    {
        var command = new Command(
            "feedback", "Receive what became of commands; receivers share it. Ctrl+C ends it.")
        {
            Count, Data, Json,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var hub = HubAddress.Find(parsed.GetValue(Data)!, parsed.GetResult(Data) is { Implicit: false });
        var what = $"the feedback of {hub.HostName} cannot be received";
        using var interruption = new Interruption(cancellationToken);
        try
        {
            await using var service = await ServiceClients.ConnectAsync(hub, what, interruption.Token);
            if (!parsed.GetValue(Json) && !Console.IsErrorRedirected)
                Console.Error.WriteLine($"Receiving the feedback of {hub.HostName}.");
            await CopyAsync(
                service, parsed.GetValue(Count) ?? long.MaxValue, parsed.GetValue(Json), interruption.Token);
        }
        catch (HubbubException e)
        {
            throw HubClients.Refused(what, e, ServiceClients.RemedyFor(e));
        }
        catch (OperationCanceledException) when (interruption.Token.IsCancellationRequested)
        {
            // Ctrl+C is how it is meant to end.
        }
        return ExitCode.Done;
    }

    private static async Task CopyAsync(
        ServiceClient service, long count, bool json, CancellationToken cancellationToken)
    {
        using var lines = new CommandLines(json);
        await using var output = Output.OpenStream();
        await using var receiver = await service.OpenFeedbackAsync(cancellationToken);
        while (count > 0)
        {
            var batch = await receiver.ReceiveAsync(cancellationToken);
            var shown = 0;
            try
            {
                for (; shown < batch.Records.Count && count > 0; shown++, count--)
                    lines.Write(batch.Records[shown], output);
            }
            catch (IOException)
            {
                return;
            }
            // What is printed in part is given back: shown twice is better than lost.
            if (shown == batch.Records.Count)
                await batch.CompleteAsync(CancellationToken.None);
        }
    }
}
