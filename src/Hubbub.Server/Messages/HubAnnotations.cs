using Hubbub.Amqp.Codec;

namespace Hubbub.Server.Messages;

/// <summary>
/// The annotations that the hub puts on device-to-cloud events: those that are the same for all events of a link,
/// encoded once, and the names that no sender may bring itself.
/// </summary>
internal static class HubAnnotations
{
    public const string SequenceNumber = "x-opt-sequence-number";
    public const string Offset = "x-opt-offset";
    public const string EnqueuedTime = "x-opt-enqueued-time";
    public const string IotHubEnqueuedTime = "iothub-enqueuedtime";
    public const string DeliveryCount = "iothub-deliverycount";
    public const string LockToken = "x-opt-lock-token";
    private const string DeviceId = "iothub-connection-device-id";
    private const string ModuleId = "iothub-connection-module-id";
    private const string GenerationId = "iothub-connection-auth-generation-id";
    private const string AuthMethod = "iothub-connection-auth-method";
    private const string MessageSource = "iothub-message-source";
    private const string DataSchema = "dt-dataschema";

    /// <summary>The stamp of a device's or module's telemetry: encoded pairs, and how many elements they are.</summary>
    public static (byte[] Pairs, int ElementCount) Stamp(
        string deviceId, string? moduleId, string generationId, string authMethod, string? modelId)
    {
        using var buffer = new ByteBuffer();
        var writer = new AmqpWriter(buffer);
        var count = Add(ref writer, DeviceId, deviceId);
        if (moduleId is not null)
            count += Add(ref writer, ModuleId, moduleId);
        count += Add(ref writer, GenerationId, generationId);
        count += Add(ref writer, AuthMethod, authMethod);
        count += Add(ref writer, MessageSource, "Telemetry");
        if (modelId is not null)
            count += Add(ref writer, DataSchema, modelId);
        return (buffer.WrittenSpan.ToArray(), count);
    }

    /// <summary>
    /// True for a key that only the hub may set: who sent an event is what the hub has verified, not what a sender
    /// says.
    /// </summary>
    public static bool IsReserved(ReadOnlySpan<byte> key) =>
        key.StartsWith("x-opt-"u8) || key.StartsWith("iothub-connection-"u8)
        || key.SequenceEqual("iothub-enqueuedtime"u8) || key.SequenceEqual("iothub-message-source"u8)
        || key.SequenceEqual("dt-dataschema"u8);

    private static int Add(ref AmqpWriter writer, string key, string value)
    {
        writer.WriteSymbol(key);
        writer.WriteString(value);
        return 2;
    }
}
