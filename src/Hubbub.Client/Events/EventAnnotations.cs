namespace Hubbub.Client.Events;

/// <summary>The message-annotations that a hub adds (amqp.md 5.2, eventhubs.md 6).</summary>
internal static class EventAnnotations
{
    public const string SequenceNumber = "x-opt-sequence-number";
    public const string Offset = "x-opt-offset";
    public const string EnqueuedTime = "x-opt-enqueued-time";
    public const string DeviceId = "iothub-connection-device-id";
    public const string ModuleId = "iothub-connection-module-id";

    /// <summary>True for those that have a property of their own.</summary>
    public static bool IsPosition(string name) => name is SequenceNumber or Offset or EnqueuedTime;
}
