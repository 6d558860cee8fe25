namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Where an endpoint's sink delivers to and how: one of the records in this folder.</summary>
public abstract record SinkOptions
{
    /// <summary>The first thing that is wrong, as a sentence with its remedy; null when nothing is.</summary>
    /// <param name="policy">What the operator of this hub allows.</param>
    public abstract string? Validate(SinkPolicy policy);

    /// <summary>How events are gathered and tried again when the operator does not say.</summary>
    public abstract DispatchOptions DefaultDispatch { get; }
}
