using System.Globalization;
using System.Text.Json.Nodes;
using Hubbub.Client;

namespace Hubbub.Cli;

/// <summary>One command on its way, each step printed with the milliseconds since it was sent.</summary>
internal sealed class CommandJourney(ServiceClient service, IdentityName identity, CommandMessage command, bool json)
{
    private readonly TimeProvider _time = TimeProvider.System;
    private long _sentAt;
    private bool _isEnqueued;

    /// <summary>Sends the command and prints that the hub has it.</summary>
    public async Task SendAsync(CancellationToken cancellationToken)
    {
        _sentAt = _time.GetTimestamp();
        await service.SendAsync(identity.DeviceId, identity.ModuleId, command, cancellationToken);
        PrintEnqueued();
    }

    /// <summary>Sends the command and prints what happens until its outcome.</summary>
    public async Task<CommandOutcome> FollowAsync(CancellationToken cancellationToken)
    {
        CommandWatch watch;
        try
        {
            watch = await service.WatchCommandsAsync(identity.DeviceId, identity.ModuleId, cancellationToken);
        }
        catch (HubbubException e) when (e.Condition != HubbubCondition.Unreachable)
        {
            return await FollowByFeedbackAsync(e, cancellationToken);
        }
        await using (watch)
        {
            var sending = SendAsync(cancellationToken);
            var outcome = FollowAsync(watch, cancellationToken);
            // A refused command has no outcome, so its refusal ends the wait.
            if (await Task.WhenAny(sending, outcome) == sending)
                await sending;
            return await outcome;
        }
    }

    private async Task<CommandOutcome> FollowAsync(CommandWatch watch, CancellationToken cancellationToken)
    {
        await foreach (var change in watch.WithCancellation(cancellationToken))
        {
            if (change.MessageId != command.MessageId)
                continue;
            if (change.Kind == CommandChangeKind.Enqueued)
                PrintEnqueued();
            else if (change.Outcome is { } outcome)
                return Ended(outcome.ToString(), change.Word, outcome);
            else
                Print(change.Word, change.Word);
        }
        throw new CommandFailedException($"the watch on {identity} ended before the outcome came.");
    }

    /// <summary>What any hub has: feedback, which tells the outcome only.</summary>
    private async Task<CommandOutcome> FollowByFeedbackAsync(
        HubbubException refusal, CancellationToken cancellationToken)
    {
        command.Acknowledgement = CommandAcknowledgement.Full;
        await SendAsync(cancellationToken);
        await Console.Error.WriteLineAsync(
            $"hubbub: the hub has no watch on commands ({refusal.Condition}); waiting for feedback instead, which its "
            + "receivers share and which does not tell the delivery.");
        var feedback = await service.WaitForFeedbackAsync(command.MessageId, cancellationToken);
        return Ended(feedback.Status, null, feedback.Outcome);
    }

    private CommandOutcome Ended(string status, string? word, CommandOutcome outcome)
    {
        PrintEnqueued();
        Print("outcome", word is null ? $"outcome {status}" : $"outcome {status} ({word})", status);
        return outcome;
    }

    // The hub's answer and the watch both tell it, in any order.
    private void PrintEnqueued()
    {
        if (Interlocked.Exchange(ref _isEnqueued, true))
            return;
        Print("enqueued", $"enqueued {command.MessageId}");
    }

    private void Print(string step, string text, string? outcome = null)
    {
        var elapsed = Math.Round(_time.GetElapsedTime(_sentAt).TotalMilliseconds, 1);
        if (!json)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{text} after {elapsed:0.0} ms"));
            return;
        }
        var line = new JsonObject
        {
            ["step"] = step,
            ["milliseconds"] = elapsed,
            ["messageId"] = command.MessageId,
            ["deviceId"] = identity.DeviceId,
        };
        if (identity.ModuleId is { } moduleId)
            line["moduleId"] = moduleId;
        if (outcome is not null)
            line["outcome"] = outcome;
        Console.Out.WriteLine(line.ToJsonString());
    }
}
