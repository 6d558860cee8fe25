namespace Hubbub.Core.Security;

/// <summary>How many failed authentications are answered at once, each number with its reason.</summary>
public static class FailureLimits
{
    /// <summary>
    /// Failures of one identity in a row: more than a connection is allowed, so that a person who tries out a
    /// connection string sees each answer at once.
    /// </summary>
    public const int IdentityBurst = 20;

    /// <summary>Ten more each minute.</summary>
    public static readonly TimeSpan IdentityInterval = TimeSpan.FromSeconds(6);

    /// <summary>
    /// Failures from one address in a row: a plant behind one address has more devices than one with a wrong key.
    /// </summary>
    public const int AddressBurst = 120;

    /// <summary>One more each second.</summary>
    public static readonly TimeSpan AddressInterval = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The longest delay: clients give up on an answer after ten seconds (uamqp), and should learn that they were
    /// refused, not that the hub is slow.
    /// </summary>
    public static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(8);

    /// <summary>Buckets of each kind: 128 KiB, so that a thousand attackers rarely meet in one.</summary>
    public const int Buckets = 16_384;

    /// <summary>
    /// HTTPS requests whose refusal waits, in all; beyond that refusals are told at once and the connection is closed,
    /// for waiting ones would keep others out.
    /// </summary>
    public const int RequestsWaitingMax = 1_000;
}
