namespace Hubbub.Core.Commands;

/// <summary>Which outcomes of a command its sender wants to hear of.</summary>
public enum FeedbackMode : byte
{
    None,

    /// <summary>When the device completed it.</summary>
    Positive,

    /// <summary>When it ended in any other way.</summary>
    Negative,

    Full,
}

/// <summary>The names of <see cref="FeedbackMode"/> on the wire, and what the modes ask for.</summary>
public static class FeedbackModes
{
    /// <summary>Reads <c>none</c>, <c>positive</c>, <c>negative</c> or <c>full</c>, in any case.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out FeedbackMode mode)
    {
        mode = text switch
        {
            _ when text.Equals("positive", StringComparison.OrdinalIgnoreCase) => FeedbackMode.Positive,
            _ when text.Equals("negative", StringComparison.OrdinalIgnoreCase) => FeedbackMode.Negative,
            _ when text.Equals("full", StringComparison.OrdinalIgnoreCase) => FeedbackMode.Full,
            _ => FeedbackMode.None,
        };
        return mode != FeedbackMode.None || text.Equals("none", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>True when a command of this mode gets a record for this outcome.</summary>
    public static bool Wants(this FeedbackMode mode, CommandOutcome outcome) => mode switch
    {
        FeedbackMode.None => false,
        FeedbackMode.Full => true,
        _ => mode == FeedbackMode.Positive == (outcome == CommandOutcome.Success),
    };
}
