using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Core.Routing;

/// <summary>
/// Where routes lead. Every endpoint is an event stream of its own; one with a <see cref="Sink"/> is followed by a
/// dispatcher that delivers what the stream holds.
/// </summary>
/// <param name="Name">
/// Unique among endpoints, ignoring case; for a stream also the name of its Event Hubs entity.
/// </param>
/// <param name="StreamId">The name of its stream's directory; never used twice, also when the name is.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Stream">How the stream is kept.</param>
/// <param name="Sink">Where events are delivered to; null for a stream that clients read.</param>
/// <param name="Dispatch">How they are delivered; null for the sink's own defaults.</param>
public sealed record RouteEndpoint(
    string Name,
    string StreamId,
    DateTimeOffset CreatedAt,
    EventStreamOptions Stream,
    SinkOptions? Sink = null,
    DispatchOptions? Dispatch = null)
{
    /// <summary>The endpoint that every hub has.</summary>
    public const string BuiltIn = "events";

    private const string DeadLetterSuffix = "-deadletters";

    /// <summary>The Event Hubs entity that it gives: its stream, or what a sink did not take.</summary>
    public string EntityName => Sink is null ? Name : Name + DeadLetterSuffix;

    /// <summary>What kind it is, as its JSON says it.</summary>
    public string Kind => Sink switch
    {
        null => "stream",
        WebhookOptions => "webhook",
        JsonFileOptions => "files",
        KafkaOptions => "kafka",
        _ => Sink.GetType().Name,
    };
}

/// <summary>How the events of an endpoint are kept.</summary>
/// <param name="Partitions">How many partitions; cannot be changed later.</param>
/// <param name="Retention">How long events are kept at least.</param>
/// <param name="RetentionBytes">
/// Bytes that are kept at most, over all partitions; null for no bound but the disk's.
/// </param>
public sealed record EventStreamOptions(int Partitions, TimeSpan Retention, long? RetentionBytes = null)
{
    /// <summary>For a stream that clients read.</summary>
    public static EventStreamOptions ForReaders { get; } = new(4, TimeSpan.FromDays(1));

    /// <summary>For a stream that only a dispatcher follows: one position, so one partition.</summary>
    public static EventStreamOptions ForSink { get; } = new(1, TimeSpan.FromDays(1));
}
