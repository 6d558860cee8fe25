using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Server.Routing;

/// <summary>What a route says of a message, and where all of them would send it.</summary>
/// <param name="Message">Which message: what the sample was called, or a stored event's place.</param>
/// <param name="Routes">Every route that was tried.</param>
/// <param name="Endpoints">Where the message goes; empty when nobody wants it.</param>
internal sealed record RouteTrial(string Message, IReadOnlyList<TriedRoute> Routes, IReadOnlyList<string> Endpoints)
{
    /// <summary>Tries the routes of a configuration on a sample.</summary>
    public static RouteTrial Of(RoutingConfiguration configuration, SampleMessage sample)
    {
        var view = sample.AsView();
        return Of(configuration, "sample", sample.Source, ref view);
    }

    /// <summary>Tries the routes of a configuration on the newest events of a stream, oldest first.</summary>
    public static IReadOnlyList<RouteTrial> OfNewest(
        RoutingConfiguration configuration, IEventLog log, int count, TimeProvider time)
    {
        var trials = new List<(long TimeMs, RouteTrial Trial)>();
        foreach (var partition in log.Partitions)
        {
            var last = partition.State.LastSequenceNumber;
            var position = new EventPosition(EventPositionKind.SequenceNumber, Math.Max(-1, last - count));
            using var cursor = position.Value < 0
                ? partition.Open(EventPosition.Earliest).Value
                : partition.Open(position).Value;
            while (TryNext(cursor, out var view))
            {
                if (Of(configuration, partition.Id, view, time) is { } trial)
                    trials.Add((view.EnqueuedTimeMs, trial));
                if (view.SequenceNumber >= last)
                    break;
            }
        }
        return [.. trials.OrderBy(static t => t.TimeMs).TakeLast(count).Select(static t => t.Trial)];
    }

    private static bool TryNext(EventCursor cursor, out EventView view) =>
        cursor.TryRead(out view) || (cursor.Load() && cursor.TryRead(out view));

    private static RouteTrial? Of(
        RoutingConfiguration configuration, int partition, in EventView stored, TimeProvider time)
    {
        if (!MessageSections.TryRead(Whole(stored), SectionOrder.Lenient, out var sections, out _))
            return null;
        var pairs = Texts(stored.Stamp);
        var sender = new TelemetrySender(
            time,
            pairs.GetValueOrDefault("iothub-connection-device-id") ?? "",
            pairs.GetValueOrDefault("iothub-connection-module-id"),
            pairs.GetValueOrDefault("iothub-connection-auth-generation-id") ?? "",
            pairs.GetValueOrDefault("iothub-connection-auth-method") ?? "",
            pairs.GetValueOrDefault("dt-dataschema"))
        {
            EnqueuedTimeMs = stored.EnqueuedTimeMs,
        };
        var name = $"event {stored.SequenceNumber} of partition {partition}, from device "
            + $"'{pairs.GetValueOrDefault("iothub-connection-device-id")}'";
        var view = new TelemetryView(in sections, sender);
        return Of(configuration, name, RouteSource.DeviceMessages, ref view);
    }

    /// <summary>The message as its sender sent it, for conditions may ask for annotations too.</summary>
    private static byte[] Whole(in EventView stored)
    {
        using var message = new ByteBuffer();
        if (stored.AnnotationCount > 0)
        {
            var writer = new AmqpWriter(message);
            var mark = writer.BeginMessageAnnotations();
            message.Write(stored.Stamp);
            message.Write(stored.Annotations);
            writer.EndMap(mark, stored.AnnotationCount);
        }
        message.Write(stored.Sections);
        return message.WrittenSpan.ToArray();
    }

    private static RouteTrial Of<TMessage>(
        RoutingConfiguration configuration, string name, RouteSource source, scoped ref TMessage message)
        where TMessage : struct, IMessageView, allows ref struct
    {
        var routes = new List<TriedRoute>();
        var endpoints = new List<string>();
        foreach (var route in configuration.Routes)
        {
            var condition = Condition.Parse(route.Condition, route.Source).Condition!;
            var clause = condition.Explain(ref message);
            var why = !route.IsEnabled ? "the route is disabled"
                : route.Source != source ? $"the route listens to {route.Source}, the message is of {source}"
                : null;
            var matches = why is null && clause.Value == TriState.True;
            routes.Add(new TriedRoute(route, matches, why, clause));
            if (matches && !endpoints.Contains(route.Endpoint, StringComparer.OrdinalIgnoreCase))
                endpoints.Add(route.Endpoint);
        }
        if (endpoints.Count == 0 && source == RouteSource.DeviceMessages)
        {
            var hasRoutes = configuration.Routes.Any(static r => r.Source == RouteSource.DeviceMessages);
            if (!hasRoutes)
                endpoints.Add(RouteEndpoint.BuiltIn);
            else if (configuration.Fallback.IsEnabled)
                endpoints.Add(configuration.Fallback.Endpoint);
        }
        return new RouteTrial(name, routes, endpoints);
    }

    private static Dictionary<string, string?> Texts(ReadOnlySpan<byte> pairs)
    {
        var texts = new Dictionary<string, string?>(StringComparer.Ordinal);
        var reader = new AmqpReader(pairs.ToArray());
        while (!reader.IsAtEnd)
        {
            var key = reader.ReadValue();
            var value = reader.ReadValue();
            if (key.TryGetString(out var name, orSymbol: true))
                texts[name] = value.TryGetString(out var text, orSymbol: true) ? text : null;
        }
        return texts;
    }
}

/// <summary>What one route says of a message.</summary>
/// <param name="Route">The route.</param>
/// <param name="Matches">True when the message goes its way.</param>
/// <param name="Why">Why the condition was not even asked; null when it was.</param>
/// <param name="Clause">The condition, clause by clause.</param>
internal sealed record TriedRoute(Route Route, bool Matches, string? Why, ConditionClause Clause);
