using System.Text.Json;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;
using Hubbub.Client.Events;

namespace Hubbub.Client;

/// <summary>
/// An open link to the hub's one queue of feedback, which all receivers share. What is received and not settled goes
/// back when this is disposed of.
/// </summary>
public sealed class FeedbackReceiver : IAsyncDisposable
{
    private readonly MessageReader _reader;

    internal FeedbackReceiver(MessageReader reader) => _reader = reader;

    /// <summary>The next message: one record or more (64 at IoT hubs).</summary>
    /// <exception cref="HubbubException">Refused, or what came is no feedback.</exception>
    public async Task<FeedbackMessage> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        var message = await _reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        return new FeedbackMessage(message, Read(message));
    }

    /// <summary>The next message, whatever it is: without records when it cannot be read.</summary>
    internal async Task<FeedbackMessage> ReceiveAnyAsync(CancellationToken cancellationToken)
    {
        var message = await _reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return new FeedbackMessage(message, Read(message));
        }
        catch (HubbubException)
        {
            return new FeedbackMessage(message, []);
        }
    }

    /// <summary>Detaches the link.</summary>
    public ValueTask DisposeAsync()
    {
        _reader.Close();
        return ValueTask.CompletedTask;
    }

    private static List<CommandFeedback> Read(ReceivedMessage message)
    {
        try
        {
            if (MessageSections.TryRead(message.Payload, SectionOrder.Lenient, out var sections, out var problem))
                return CommandFeedback.Parse(EventBody.Of(sections));
            throw new HubbubException(problem.Condition, problem.Text, message.Link.Address);
        }
        catch (JsonException e)
        {
            throw new HubbubException(
                ErrorCondition.DecodeError, $"feedback cannot be read: {e.Message}", message.Link.Address, null, e);
        }
    }
}

/// <summary>A message of feedback, locked for its receiver (a minute).</summary>
public sealed class FeedbackMessage
{
    private readonly ReceivedMessage _message;

    internal FeedbackMessage(ReceivedMessage message, IReadOnlyList<CommandFeedback> records) =>
        (_message, Records) = (message, records);

    /// <summary>What became of which commands.</summary>
    public IReadOnlyList<CommandFeedback> Records { get; }

    /// <summary>True when its lock is over: it is, or will be, given out again.</summary>
    internal bool IsLockLost => _message.LockLost is not null || _message.Link.HasEnded;

    /// <summary>Says that it is dealt with: it never comes back.</summary>
    /// <exception cref="HubbubException">Its lock is over, or the link.</exception>
    public Task CompleteAsync(CancellationToken cancellationToken = default) =>
        _message.Link.SettleAsync(_message, Accepted.Instance, cancellationToken);

    /// <summary>Gives it back to be given out again, ten times at most.</summary>
    /// <exception cref="HubbubException">Its lock is over, or the link.</exception>
    public Task AbandonAsync(CancellationToken cancellationToken = default) =>
        _message.Link.SettleAsync(_message, Released.Instance, cancellationToken);
}
