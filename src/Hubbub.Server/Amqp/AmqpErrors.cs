using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Security;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp;

/// <summary>The hub's refusals as errors on the wire, and errors as the log takes them.</summary>
internal static class AmqpErrors
{
    private const string TrackingId = "com.microsoft:tracking-id";

    /// <summary>The error on the wire, with a tracking id that the log line repeats.</summary>
    public static AmqpError ToAmqp(this HubError error, string trackingId) =>
        Error(Conditions.Of(error.Code), error.Message, trackingId);

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
        return text.Length <= HubAmqpLimits.DescriptionCharsMax
            ? text
            : text[..HubAmqpLimits.DescriptionCharsMax] + "...";
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
