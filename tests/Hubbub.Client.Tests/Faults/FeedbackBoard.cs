using System.Collections.Concurrent;

namespace Hubbub.Client.Tests.Faults;

/// <summary>The feedback that came, to whichever of the runs: a hub has one queue of it, which all receivers share.</summary>
internal sealed class FeedbackBoard
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<CommandFeedback>> _records = new();

    public void Post(CommandFeedback record) => Of(record.MessageId).TrySetResult(record);

    public Task<CommandFeedback> WhenAsync(string messageId) => Of(messageId).Task;

    private TaskCompletionSource<CommandFeedback> Of(string messageId) => _records.GetOrAdd(
        messageId, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
}
