namespace Hubbub.Core.Routing.Dispatch;

/// <summary>
/// What sinks may reach. Set where the hub is started and not over the network: who may configure endpoints need not
/// be the one whose machine and inner network the hub stands in.
/// </summary>
public sealed record SinkPolicy
{
    /// <summary>
    /// True: webhooks may go to private, loopback and link-local addresses, and may use plain HTTP.
    /// </summary>
    public bool AllowPrivateAddresses { get; init; }

    /// <summary>The directory below which relative paths of file endpoints lie; absolute.</summary>
    public required string FileDirectory { get; init; }

    /// <summary>Directories, absolute, in and below which file endpoints with an absolute path may write.</summary>
    public IReadOnlyList<string> AllowedDirectories { get; init; } = [];
}
