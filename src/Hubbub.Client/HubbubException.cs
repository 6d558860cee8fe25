using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client;

/// <summary>
/// Something was refused or was lost. The message says what, where and why in one sentence; it never holds a secret.
/// </summary>
public sealed class HubbubException : Exception
{
    /// <summary>Tells a refusal.</summary>
    /// <param name="condition">A condition of <see cref="HubbubCondition"/>, or the peer's own.</param>
    /// <param name="description">Why, in the peer's words where it has any.</param>
    /// <param name="address">The host or the link address concerned.</param>
    /// <param name="trackingId">The peer's id of this error, for its logs.</param>
    /// <param name="innerException">What led to it.</param>
    public HubbubException(
        string condition,
        string? description,
        string address,
        string? trackingId = null,
        Exception? innerException = null)
        : base($"{address}: {Sentence(description, condition)}", innerException)
    {
        Condition = condition;
        Description = description;
        Address = address;
        TrackingId = trackingId;
        IsTransient = HubbubCondition.IsTransient(condition) && !IsTakeover;
    }

    /// <summary>
    /// What kind of error it is: of <see cref="HubbubCondition"/>, or the peer's, as <c>amqp:not-found</c>.
    /// </summary>
    public string Condition { get; }

    /// <summary>Why, in the peer's words where it has any.</summary>
    public string? Description { get; }

    /// <summary>The host or the link address concerned.</summary>
    public string Address { get; }

    /// <summary>The peer's id of this error, for its logs; null when it gave none.</summary>
    public string? TrackingId { get; }

    /// <summary>True when the same call may succeed later without a change of configuration.</summary>
    public bool IsTransient { get; }

    /// <summary>True when another receiver has taken the link's place; it is left to that one.</summary>
    internal bool IsTakeover => Condition == HubbubCondition.LinkStolen
        // amqp.md 8: what a device's older receiver is told.
        || Description?.Contains("opened a Receive Link", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>
    /// True when another attempt may mend it. What was there and ended is tried again whatever the reason, for a token
    /// may just have run out; but what somebody else has taken is left to him, or the two would take it from each
    /// other for ever.
    /// </summary>
    internal bool MayHeal(bool wasThere) =>
        Condition != HubbubCondition.Closed && (wasThere ? !IsTakeover : IsTransient);

    /// <summary>True when another connection takes the place of this one: there is nothing to wait for.</summary>
    internal bool IsReplaced { get; private init; }

    /// <summary>A redirect's error info, for the reader that follows it.</summary>
    internal AmqpMap? Info { get; private init; }

    internal static HubbubException From(AmqpError error, string address, Exception? innerException = null) =>
        new(error.Condition.Value, error.Description, address, FindTrackingId(error), innerException)
        {
            Info = error.Info?.ToOwned(),
        };

    internal static HubbubException Lost(string address, Exception? innerException = null) =>
        new(HubbubCondition.ConnectionLost, "the connection was lost", address, null, innerException);

    internal static HubbubException Replaced(string address) =>
        new(HubbubCondition.ConnectionLost, "another connection has taken the place of this one", address)
        {
            IsReplaced = true,
        };

    internal static HubbubException Closed(string address) =>
        new(HubbubCondition.Closed, "it was closed on this side", address);

    private static string Sentence(string? description, string condition) =>
        string.IsNullOrEmpty(description) ? condition : $"{description.TrimEnd('.')} ({condition}).";

    // A map of its own where the peer has manners, else the convention of Azure's texts: "... TrackingId:x, ...".
    private static string? FindTrackingId(AmqpError error)
    {
        if (error.Info is { } info && info.TryGet("com.microsoft:tracking-id", out var value)
            && value.TryGetString(out var id, orSymbol: true))
            return id;
        const string Mark = "TrackingId:";
        var text = error.Description;
        var start = text?.IndexOf(Mark, StringComparison.OrdinalIgnoreCase) ?? -1;
        if (start < 0)
            return null;
        var rest = text.AsSpan(start + Mark.Length);
        var end = rest.IndexOfAny(", \r\n");
        return (end < 0 ? rest : rest[..end]).ToString();
    }
}
