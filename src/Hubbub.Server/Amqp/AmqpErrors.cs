using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp;

/// <summary>The one table from the hub's refusals to AMQP conditions.</summary>
internal static class AmqpErrors
{
    public const string ArgumentError = "com.microsoft:argument-error";
    public const string ArgumentOutOfRange = "com.microsoft:argument-out-of-range";
    public const string ServerBusy = "com.microsoft:server-busy";
    private const string TrackingId = "com.microsoft:tracking-id";

    /// <summary>The condition that clients know for a code.</summary>
    public static string ConditionOf(HubErrorCode code) => code switch
    {
        HubErrorCode.InvalidOperation or HubErrorCode.FormatError => ErrorCondition.NotAllowed,
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

    /// <summary>The error on the wire, with a tracking id that the log line repeats.</summary>
    public static AmqpError ToAmqp(this HubError error, string trackingId) =>
        Error(ConditionOf(error.Code), error.Message, trackingId);

    /// <summary>An error on the wire.</summary>
    public static AmqpError Error(string condition, string description, string trackingId) => new()
    {
        Condition = condition,
        Description = Shorten(description),
        Info = new AmqpMapBuilder().Add(TrackingId, trackingId).Build(),
    };

    /// <summary>
    /// A text that may quote what the peer sent, cut to a bound and without secrets: it goes back to the peer and into
    /// the log.
    /// </summary>
    public static string Shorten(string text)
    {
        text = Secrets.Hide(text);
        return text.Length <= HubAmqpLimits.DescriptionCharsMax ? text : text[..HubAmqpLimits.DescriptionCharsMax] + "...";
    }

    /// <summary>An error, perhaps the peer's, as far as the log takes it.</summary>
    public static (string Condition, string Reason) ForLog(AmqpError error) =>
        (Shorten(error.Condition.Value), Shorten(error.Description ?? ""));

    /// <summary>The HTTP-like status of a refused put-token or management request.</summary>
    public static int StatusOf(HubErrorCode code)
    {
        var status = (int)code / 1_000;
        return status is >= 400 and < 600 ? status : 500;
    }
}
