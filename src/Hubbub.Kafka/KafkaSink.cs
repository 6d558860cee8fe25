using Confluent.Kafka;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Kafka;

/// <summary>Delivers events to a topic. See docs/wire/endpoints.md.</summary>
internal sealed class KafkaSink(string endpoint, KafkaOptions options) : IEndpointSink
{
    private IProducer<byte[]?, byte[]>? _producer;
    private volatile string? _lastError;

    /// <summary>What the client said last about its brokers since a delivery succeeded; null: nothing.</summary>
    internal string? LastError
    {
        get => _lastError;
        set => _lastError = value;
    }

    public string? State => null;

    public ValueTask<SinkResult> OpenAsync(string? state, CancellationToken cancellationToken)
    {
        try
        {
            _producer ??= new ProducerBuilder<byte[]?, byte[]>(KafkaSettings.Of(options))
                .SetErrorHandler((_, error) => LastError = error.Reason)
                // Otherwise the client writes to standard error; what matters comes back with the records.
                .SetLogHandler(static (_, _) => { })
                .Build();
            return ValueTask.FromResult(SinkResult.Done());
        }
        catch (Exception e) when (e is KafkaException or InvalidOperationException or ArgumentException
            or DllNotFoundException)
        {
            return ValueTask.FromResult(SinkResult.Retry($"The Kafka client cannot start: {e.Message}"));
        }
    }

    public async ValueTask<SinkResult> DeliverAsync(
        ReadOnlyMemory<StoredEvent> events, string batchId, CancellationToken cancellationToken)
    {
        if (_producer is null && await OpenAsync(null, cancellationToken) is { Failure: not SinkFailure.None } closed)
            return closed;
        var batch = new KafkaBatch(events.Length);
        for (var i = 0; i < events.Length; i++)
            Produce(batch, i, events.Span[i]);
        // What the client was given may still arrive when this is cancelled; it is delivered again then.
        await batch.Done.WaitAsync(cancellationToken);
        if (batch.IsFatal)
            Close();
        var result = batch.Result();
        if (result.Failure == SinkFailure.None)
            LastError = null; // Whatever it was, it is over, and explains no later failure.
        return result.Failure == SinkFailure.Transient && LastError is { } last
            ? result with { Reason = $"{result.Reason} {last}" }
            : result;
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return ValueTask.CompletedTask;
    }

    private void Produce(KafkaBatch batch, int index, in StoredEvent stored)
    {
        try
        {
            _producer!.Produce(options.Topic, KafkaRecord.Of(endpoint, stored), batch.Report(index));
        }
        catch (ProduceException<byte[]?, byte[]> refused)
        {
            batch.Report(index, refused.Error);
        }
    }

    private void Close()
    {
        _producer?.Dispose();
        _producer = null;
    }
}
