namespace Hubbub.Client;

/// <summary>
/// The names under which the client tells what it does, for OpenTelemetry and the like. Where nobody listens nothing
/// is spent on it.
/// </summary>
/// <remarks>
/// A send is an activity of kind Producer, whose W3C trace context travels in the application properties
/// <c>traceparent</c> and <c>tracestate</c>; <see cref="ReceivedEvent.StartActivity"/> and
/// <see cref="ReceivedCommand.StartActivity"/> continue the trace where the message is processed. The names of
/// instruments and tags are OpenTelemetry's for messaging: <c>messaging.client.sent.messages</c>,
/// <c>messaging.client.consumed.messages</c>, <c>messaging.client.operation.duration</c> (seconds); and
/// <c>hubbub.client.connections.opened</c> and <c>.lost</c>.
/// </remarks>
public static class HubbubDiagnostics
{
    /// <summary>The name of the ActivitySource.</summary>
    public const string ActivitySourceName = "Hubbub.Client";

    /// <summary>The name of the Meter.</summary>
    public const string MeterName = "Hubbub.Client";
}
