using System.Text;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Server.Routing;

/// <summary>What the hub knows of a sender, as conditions ask for it: verified, and the same for all its messages.</summary>
internal sealed class TelemetrySender(
    TimeProvider time, string deviceId, string? moduleId, string generationId, string authMethod, string? modelId)
{
    private readonly byte[] _deviceId = Encoding.UTF8.GetBytes(deviceId);
    private readonly byte[]? _moduleId = moduleId is null ? null : Encoding.UTF8.GetBytes(moduleId);
    private readonly byte[] _generationId = Encoding.UTF8.GetBytes(generationId);
    private readonly byte[] _authMethod = Encoding.UTF8.GetBytes(authMethod);
    private readonly byte[]? _modelId = modelId is null ? null : Encoding.UTF8.GetBytes(modelId);

    public string DeviceId => deviceId;

    public MessageText Read(SystemProperty property, TextScratch scratch) => property switch
    {
        SystemProperty.ConnectionDeviceId => scratch.Add(_deviceId),
        SystemProperty.ConnectionModuleId when _moduleId is not null => scratch.Add(_moduleId),
        SystemProperty.ConnectionDeviceGenerationId => scratch.Add(_generationId),
        SystemProperty.ConnectionAuthMethod => scratch.Add(_authMethod),
        SystemProperty.DataSchema when _modelId is not null => scratch.Add(_modelId),
        SystemProperty.MessageSource => scratch.Add("Telemetry"u8),
        SystemProperty.EnqueuedTime => AmqpText.Time(time.GetUtcNow().ToUnixTimeMilliseconds(), scratch),
        _ => MessageText.Missing,
    };
}
