namespace Hubbub.Storage.State;

/// <summary>The bounds of the state store, each with its reason.</summary>
internal static class StateLimits
{
    /// <summary>Operations that wait for the writer. At ten thousand a second it is one second's worth.</summary>
    public const int QueueMax = 10_000;

    /// <summary>Operations in one transaction: enough to hide the sync, few enough to keep the wait short.</summary>
    public const int GroupMax = 1_000;
}
