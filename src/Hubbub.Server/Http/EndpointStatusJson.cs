using System.Text.Json;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Server.Http;

/// <summary>How an endpoint's deliveries go, as JSON.</summary>
internal static class EndpointStatusJson
{
    /// <summary>Writes the member status.</summary>
    public static void Write(Utf8JsonWriter writer, EndpointStatus status)
    {
        writer.WriteStartObject("status");
        writer.WriteString("health", status.Health.ToString().ToLowerInvariant());
        writer.WriteString("lastError", status.LastError);
        WriteTime(writer, "lastErrorAt", status.LastErrorAt);
        WriteTime(writer, "lastDeliveredAt", status.LastDeliveredAt);
        writer.WriteNumber("sequenceNumber", status.SequenceNumber);
        writer.WriteNumber("lagEvents", status.LagEvents);
        writer.WriteNumber("lagMs", status.LagMs);
        writer.WriteNumber("delivered", status.Delivered);
        writer.WriteNumber("failedAttempts", status.FailedAttempts);
        writer.WriteNumber("deadLettered", status.DeadLettered);
        writer.WriteNumber("lost", status.Lost);
        writer.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter writer, string name, DateTimeOffset? time)
    {
        if (time is { } known)
            writer.WriteString(name, IdentityText.Time(known));
        else
            writer.WriteNull(name);
    }
}
