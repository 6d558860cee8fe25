using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>
/// The dead letters of one endpoint: a stream of its own, in which each event has the reason among its application
/// properties. Used by one dispatcher, so one call at a time.
/// </summary>
/// <param name="endpoint">The endpoint's name.</param>
/// <param name="partition">The stream's one partition.</param>
/// <param name="time">The clock.</param>
public sealed class DeadLetterStream(string endpoint, IEventPartition partition, TimeProvider time) : IDeadLetters
{
    public const string EndpointProperty = "hubbub-dead-letter-endpoint";
    public const string ReasonProperty = "hubbub-dead-letter-reason";
    public const string TimeProperty = "hubbub-dead-letter-time";
    public const string EnqueuedTimeProperty = "hubbub-enqueued-time";
    private const string Prefix = "hubbub-dead-letter-";

    private readonly Producer _producer = new();

    public async ValueTask<HubError?> AddAsync(
        ReadOnlyMemory<StoredEvent> events, string reason, CancellationToken cancellationToken)
    {
        var committed = _producer.Begin();
        var appended = partition.Append(_producer, Batch(events.Span, reason));
        return appended.Error ?? await committed.WaitAsync(cancellationToken);
    }

    private EventBatch Batch(ReadOnlySpan<StoredEvent> events, string reason)
    {
        var shortened = reason.Length > DispatchLimits.ReasonLengthMax
            ? reason[..DispatchLimits.ReasonLengthMax]
            : reason;
        var batch = new EventBatch();
        using var annotations = new ByteBuffer();
        using var sections = new ByteBuffer();
        foreach (var stored in events)
        {
            annotations.Clear();
            annotations.Write(stored.Stamp.Span);
            annotations.Write(stored.Annotations.Span);
            sections.Clear();
            Write(sections, stored, shortened);
            batch.Add(annotations.WrittenSpan, stored.AnnotationCount, sections.WrittenSpan);
        }
        return batch;
    }

    private void Write(ByteBuffer output, in StoredEvent stored, string reason)
    {
        if (!MessageSections.TryRead(stored.Sections, SectionOrder.Lenient, out var message, out _))
        {
            // The hub never stores such an event; if there is one all the same, it is kept as it is.
            output.Write(stored.Sections.Span);
            return;
        }
        output.Write(message.PropertiesSection.Span);
        var writer = new AmqpWriter(output);
        var mark = writer.BeginApplicationProperties();
        var count = 8;
        writer.WriteString(EndpointProperty);
        writer.WriteString(endpoint);
        writer.WriteString(ReasonProperty);
        writer.WriteString(reason);
        writer.WriteString(TimeProperty);
        writer.WriteTimestamp(time.GetUtcNow());
        writer.WriteString(EnqueuedTimeProperty);
        writer.WriteTimestamp(new Timestamp(stored.EnqueuedTimeMs));
        foreach (var (key, value) in message.ApplicationProperties.GetValueOrDefault())
        {
            if (key.TryGetString(out var name)
                && (name.StartsWith(Prefix, StringComparison.Ordinal) || name == EnqueuedTimeProperty))
                continue;
            writer.WriteValue(key);
            writer.WriteValue(value);
            count += 2;
        }
        writer.EndMap(mark, count);
        output.Write(message.BodySections.Span);
        output.Write(message.FooterSection.Span);
    }

    private sealed class Producer : EventProducer
    {
        private TaskCompletionSource<HubError?> _committed = new();

        public Task<HubError?> Begin()
        {
            _committed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _committed.Task;
        }

        public override void OnCommit(long commit, HubError? error) => _committed.TrySetResult(error);
    }
}
