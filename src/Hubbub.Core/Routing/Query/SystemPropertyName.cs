using System.Collections.Frozen;

namespace Hubbub.Core.Routing.Query;

/// <summary>
/// System properties that the hub knows; the spelling of conditions stands in <see cref="SystemPropertyName"/>.
/// </summary>
public enum SystemProperty : byte
{
    /// <summary>A name that the hub gives no message.</summary>
    Unknown,
    ContentType,
    ContentEncoding,
    MessageId,
    CorrelationId,
    UserId,
    To,

    /// <summary>When the hub took the message, as ISO 8601 text.</summary>
    EnqueuedTime,
    ConnectionDeviceId,
    ConnectionModuleId,
    ConnectionDeviceGenerationId,
    ConnectionAuthMethod,
    MessageSource,
    InterfaceId,
    DataSchema,
    Subject,
    CreationTime,
}

/// <summary>The name of a system property, as conditions write it behind the $. Case does not matter.</summary>
public sealed class SystemPropertyName
{
    private static readonly FrozenDictionary<string, SystemProperty> Known =
        new Dictionary<string, SystemProperty>
        {
            ["contentType"] = SystemProperty.ContentType,
            ["content-type"] = SystemProperty.ContentType,
            ["iothub-content-type"] = SystemProperty.ContentType,
            ["contentEncoding"] = SystemProperty.ContentEncoding,
            ["content-encoding"] = SystemProperty.ContentEncoding,
            ["iothub-content-encoding"] = SystemProperty.ContentEncoding,
            ["messageId"] = SystemProperty.MessageId,
            ["message-id"] = SystemProperty.MessageId,
            ["iothub-message-id"] = SystemProperty.MessageId,
            ["correlationId"] = SystemProperty.CorrelationId,
            ["correlation-id"] = SystemProperty.CorrelationId,
            ["iothub-correlation-id"] = SystemProperty.CorrelationId,
            ["userId"] = SystemProperty.UserId,
            ["user-id"] = SystemProperty.UserId,
            ["iothub-user-id"] = SystemProperty.UserId,
            ["to"] = SystemProperty.To,
            ["iothub-to"] = SystemProperty.To,
            ["enqueuedTime"] = SystemProperty.EnqueuedTime,
            ["iothub-enqueuedtime"] = SystemProperty.EnqueuedTime,
            ["connectionDeviceId"] = SystemProperty.ConnectionDeviceId,
            ["iothub-connection-device-id"] = SystemProperty.ConnectionDeviceId,
            ["connectionModuleId"] = SystemProperty.ConnectionModuleId,
            ["iothub-connection-module-id"] = SystemProperty.ConnectionModuleId,
            ["connectionDeviceGenerationId"] = SystemProperty.ConnectionDeviceGenerationId,
            ["iothub-connection-auth-generation-id"] = SystemProperty.ConnectionDeviceGenerationId,
            ["connectionAuthMethod"] = SystemProperty.ConnectionAuthMethod,
            ["iothub-connection-auth-method"] = SystemProperty.ConnectionAuthMethod,
            ["messageSource"] = SystemProperty.MessageSource,
            ["iothub-message-source"] = SystemProperty.MessageSource,
            ["interfaceId"] = SystemProperty.InterfaceId,
            ["iothub-interface-id"] = SystemProperty.InterfaceId,
            ["dataSchema"] = SystemProperty.DataSchema,
            ["dt-dataschema"] = SystemProperty.DataSchema,
            ["subject"] = SystemProperty.Subject,
            ["dt-subject"] = SystemProperty.Subject,
            ["creationTime"] = SystemProperty.CreationTime,
            ["creationTimeUtc"] = SystemProperty.CreationTime,
            ["iothub-creation-time-utc"] = SystemProperty.CreationTime,
        }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private SystemPropertyName(string name)
    {
        Property = Known.GetValueOrDefault(name);
        Key = Canonical(name);
    }

    /// <summary>Which property it is.</summary>
    public SystemProperty Property { get; }

    /// <summary>One spelling for all names of one property.</summary>
    public string Key { get; }

    internal static SystemPropertyName Of(string name) => new(name);

    /// <summary>The <see cref="Key"/> of a name.</summary>
    internal static string Canonical(string name) =>
        Known.TryGetValue(name, out var property) ? property.ToString() : name.ToLowerInvariant();
}
