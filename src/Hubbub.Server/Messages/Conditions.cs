using Hubbub.Amqp.Performatives;
using Hubbub.Core;

namespace Hubbub.Server.Messages;

/// <summary>The one table from the hub's refusals to AMQP conditions.</summary>
internal static class Conditions
{
    public const string ArgumentError = "com.microsoft:argument-error";
    public const string ArgumentOutOfRange = "com.microsoft:argument-out-of-range";
    public const string ServerBusy = "com.microsoft:server-busy";

    /// <summary>The condition that clients know for a code.</summary>
    public static string Of(HubErrorCode code) => code switch
    {
        HubErrorCode.InvalidOperation => ErrorCondition.NotAllowed,
        HubErrorCode.FormatError => ErrorCondition.DecodeError,
        HubErrorCode.ArgumentInvalid or HubErrorCode.ArgumentNull => ArgumentError,
        HubErrorCode.ArgumentOutOfRange => ArgumentOutOfRange,
        HubErrorCode.UnauthorizedAccess or HubErrorCode.Unauthorized => ErrorCondition.UnauthorizedAccess,
        HubErrorCode.IotHubNotFound => "com.microsoft:iot-hub-not-found-error",
        HubErrorCode.IotHubSuspended => "com.microsoft:iot-hub-suspended",
        HubErrorCode.QuotaExceeded or HubErrorCode.DeviceMaximumQueueDepthExceeded
            or HubErrorCode.MaxCbsTokenExceeded or HubErrorCode.StorageFull => ErrorCondition.ResourceLimitExceeded,
        HubErrorCode.DeviceNotFound or HubErrorCode.ModuleNotFound or HubErrorCode.AmqpAddressNotFound
            or HubErrorCode.EntityNotFound => ErrorCondition.NotFound,
        HubErrorCode.LinkCreationConflict => "com.microsoft:link-creation-conflict",
        HubErrorCode.PreconditionFailed => "com.microsoft:precondition-failed",
        HubErrorCode.DeviceMessageLockLost => "com.microsoft:message-lock-lost",
        HubErrorCode.MessageTooLarge => ErrorCondition.MessageSizeExceeded,
        HubErrorCode.Throttling => "com.microsoft:device-container-throttled",
        HubErrorCode.NotImplemented => ErrorCondition.NotImplemented,
        HubErrorCode.ServiceUnavailable => ServerBusy,
        _ => ErrorCondition.InternalError,
    };
}
