using System.Diagnostics;
using System.Diagnostics.Metrics;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;

namespace Hubbub.Client.Connections;

/// <summary>Activities and instruments of the client, and how a trace travels in a message.</summary>
internal static class Tracing
{
    public const string TraceParent = "traceparent";
    public const string TraceState = "tracestate";
    private const string System = "hubbub";

    private static readonly ActivitySource Source = new(HubbubDiagnostics.ActivitySourceName);
    private static readonly Meter Meter = new(HubbubDiagnostics.MeterName);
    private static readonly Counter<long> Sent = Meter.CreateCounter<long>(
        "messaging.client.sent.messages", "{message}", "Messages that were to be sent; error.type tells failures.");
    private static readonly Counter<long> Consumed = Meter.CreateCounter<long>(
        "messaging.client.consumed.messages", "{message}", "Messages that were given to the caller.");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "messaging.client.operation.duration", "s", "From the call to the hub's answer.");
    private static readonly Counter<long> Opened = Meter.CreateCounter<long>(
        "hubbub.client.connections.opened", "{connection}", "Connections that were opened.");
    private static readonly Counter<long> Lost = Meter.CreateCounter<long>(
        "hubbub.client.connections.lost", "{connection}", "Connections that ended and were not closed on this side.");

    /// <summary>
    /// True when a send has to be looked at: somebody listens, or there is a trace that it belongs to.
    /// </summary>
    public static bool IsOn =>
        Source.HasListeners() || Sent.Enabled || Duration.Enabled || Activity.Current is not null;

    public static void OnConsumed(long count)
    {
        if (Consumed.Enabled)
            Consumed.Add(count, Tag("messaging.system", System));
    }

    public static void OnOpened() => Opened.Add(1);

    public static void OnLost() => Lost.Add(1);

    /// <summary>Sends, as an activity.</summary>
    /// <param name="queue">Where to.</param>
    /// <param name="makeMessage">Makes the message, given the trace that it belongs to, if it does.</param>
    /// <param name="count">Messages in it.</param>
    /// <param name="time">Time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async ValueTask SendAsync(
        SendQueue queue,
        Func<Activity?, ISendable> makeMessage,
        int count,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        using var activity = Source.StartActivity($"send {queue.Address}", ActivityKind.Producer);
        activity?.SetTag("messaging.system", System);
        activity?.SetTag("messaging.operation.type", "send");
        activity?.SetTag("messaging.destination.name", queue.Address);
        if (count > 1)
            activity?.SetTag("messaging.batch.message_count", count);
        var started = time.GetTimestamp();
        string? error = null;
        try
        {
            await queue.SendAsync(makeMessage(activity ?? Activity.Current), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            error = e is HubbubException refused ? refused.Condition : e.GetType().Name;
            activity?.SetTag("error.type", error);
            activity?.SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
        finally
        {
            var tags = new TagList { { "messaging.system", System }, { "messaging.operation.name", "send" } };
            if (error is not null)
                tags.Add("error.type", error);
            Sent.Add(count, tags);
            Duration.Record(time.GetElapsedTime(started).TotalSeconds, tags);
        }
    }

    /// <summary>Continues the trace of a message where it is processed; null when nobody listens.</summary>
    public static Activity? StartProcessing(string what, in MessageSections sections)
    {
        if (!Source.HasListeners())
            return null;
        var properties = sections.ApplicationProperties.GetValueOrDefault();
        var parent = default(ActivityContext);
        if (TextOf(properties, TraceParent) is { } traceParent)
            ActivityContext.TryParse(traceParent, TextOf(properties, TraceState), isRemote: true, out parent);
        var activity = Source.StartActivity($"process {what}", ActivityKind.Consumer, parent);
        activity?.SetTag("messaging.system", System);
        activity?.SetTag("messaging.operation.type", "process");
        return activity;
    }

    /// <summary>Appends the trace to application properties.</summary>
    /// <param name="writer">Stands in the map.</param>
    /// <param name="activity">The trace; null for none.</param>
    /// <returns>Keys and values written.</returns>
    public static int Write(ref AmqpWriter writer, Activity? activity)
    {
        if (activity is not { IdFormat: ActivityIdFormat.W3C, Id: { } id })
            return 0;
        writer.WriteString(TraceParent);
        writer.WriteString(id);
        if (string.IsNullOrEmpty(activity.TraceStateString))
            return 2;
        writer.WriteString(TraceState);
        writer.WriteString(activity.TraceStateString);
        return 4;
    }

    private static string? TextOf(AmqpMap properties, string name) =>
        properties.TryGet(name, out var value) && value.TryGetString(out var text) ? text : null;

    private static KeyValuePair<string, object?> Tag(string name, object value) => new(name, value);
}

/// <summary>Telemetry that belongs to a trace.</summary>
internal sealed class TracedTelemetry(TelemetryMessage message, Activity? activity) : ISendable
{
    public uint MessageFormat => MessageFormats.Amqp;

    public void Encode(ByteBuffer buffer) => message.Encode(buffer, activity);
}
