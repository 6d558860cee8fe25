using System.Text;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Server.Routing;

/// <summary>
/// What the hub knows of a sender, as conditions ask for it: verified, and the same for all its messages.
/// </summary>
/// <param name="time">Says when a message that has no time yet came.</param>
/// <param name="deviceId">The device.</param>
/// <param name="moduleId">Its module, where that is the sender.</param>
/// <param name="generationId">The sender's generation.</param>
/// <param name="authMethod">How it has proven who it is: JSON.</param>
/// <param name="modelId">The model that it says it follows.</param>
internal sealed class TelemetrySender(
    TimeProvider time, string deviceId, string? moduleId, string generationId, string authMethod, string? modelId)
{
    /// <summary>When the hub took the message, for one that is stored; null for one that just came.</summary>
    public long? EnqueuedTimeMs { get; init; }

    public MessageText Read(SystemProperty property, TextScratch scratch) => property switch
    {
        SystemProperty.ConnectionDeviceId => Text(deviceId, scratch),
        SystemProperty.ConnectionModuleId => Text(moduleId, scratch),
        SystemProperty.ConnectionDeviceGenerationId => Text(generationId, scratch),
        SystemProperty.ConnectionAuthMethod => Text(authMethod, scratch),
        SystemProperty.DataSchema => Text(modelId, scratch),
        SystemProperty.MessageSource => scratch.Add("Telemetry"u8),
        SystemProperty.EnqueuedTime =>
            AmqpText.Time(EnqueuedTimeMs ?? time.GetUtcNow().ToUnixTimeMilliseconds(), scratch),
        _ => MessageText.Missing,
    };

    private static MessageText Text(string? text, TextScratch scratch)
    {
        if (text is null)
            return MessageText.Missing;
        var room = scratch.Reserve(Encoding.UTF8.GetMaxByteCount(text.Length));
        return Encoding.UTF8.TryGetBytes(text, room, out var written) ? scratch.Commit(written) : MessageText.Missing;
    }
}
