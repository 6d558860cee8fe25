using System.Net;
using System.Net.Sockets;

namespace Hubbub.Core.Security;

/// <summary>
/// Slows down whoever guesses credentials: failures, and failures only, use up what an address and an identity may
/// have of them, and beyond that their answers are delayed. A credential that is right is never delayed, so a device is
/// not locked out by an attacker who uses its id or its address. Safe for concurrent use, without a lock.
/// </summary>
/// <remarks>
/// Addresses and identities share a fixed number of buckets by their hash, so that no number of them takes more memory.
/// Two that meet in a bucket are slowed together, which harms neither as long as it does not fail.
/// </remarks>
public sealed class FailedAuthentications(TimeProvider time)
{
    private readonly FailureBuckets _addresses =
        new(FailureLimits.AddressBurst, FailureLimits.AddressInterval, FailureLimits.Buckets);

    private readonly FailureBuckets _identities =
        new(FailureLimits.IdentityBurst, FailureLimits.IdentityInterval, FailureLimits.Buckets);

    private readonly long _started = time.GetTimestamp();
    private long _slowed;

    /// <summary>Failures whose answers were delayed.</summary>
    public long Slowed => Volatile.Read(ref _slowed);

    /// <summary>Counts a failure and says for how long its answer is to wait.</summary>
    /// <param name="address">Where it came from; null when that is not known.</param>
    /// <param name="holder">Whose credential it was said to be, if it said so.</param>
    public Slowdown Record(IPAddress? address, string? holder)
    {
        var nowMs = (long)time.GetElapsedTime(_started).TotalMilliseconds;
        var byAddress = address is null ? default : _addresses.Take(HashOf(address), nowMs);
        // Names of policies have no case; two devices whose ids differ in nothing else may share a bucket as any may.
        var byHolder = holder is null
            ? default
            : _identities.Take(holder.GetHashCode(StringComparison.OrdinalIgnoreCase), nowMs);
        var delay = byAddress.Delay > byHolder.Delay ? byAddress.Delay : byHolder.Delay;
        if (delay > TimeSpan.Zero)
            Interlocked.Increment(ref _slowed);
        return new Slowdown(delay, byAddress.HasBegun | byHolder.HasBegun);
    }

    /// <summary>Of what <see cref="PeerNetwork"/> says is one address, without an object for it.</summary>
    private static int HashOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        address.TryWriteBytes(bytes, out var length);
        var hash = new HashCode();
        hash.AddBytes(bytes[..(address.AddressFamily == AddressFamily.InterNetworkV6 ? 8 : length)]);
        return hash.ToHashCode();
    }
}

/// <summary>What a failed authentication costs.</summary>
/// <param name="Delay">How long the answer is to wait; zero as long as there were few.</param>
/// <param name="HasBegun">True for the first one that has to wait: worth a line in the log.</param>
public readonly record struct Slowdown(TimeSpan Delay, bool HasBegun);

/// <summary>
/// Token buckets in a table of fixed size. Each is one number: the time at which it will be full again. A failure moves
/// that by an interval; how far it is beyond the burst is the delay.
/// </summary>
internal sealed class FailureBuckets(int burst, TimeSpan interval, int count)
{
    private readonly long _intervalMs = (long)interval.TotalMilliseconds;
    private readonly long _burstMs = burst * (long)interval.TotalMilliseconds;
    private readonly long[] _fullAtMs = new long[count];

    public Slowdown Take(int hash, long nowMs)
    {
        ref var fullAtMs = ref _fullAtMs[(uint)hash % (uint)_fullAtMs.Length];
        while (true)
        {
            var before = Volatile.Read(ref fullAtMs);
            // The debt is bounded too: who stops guessing is forgiven within the time of a burst.
            var after = Math.Min(
                Math.Max(before, nowMs) + _intervalMs,
                nowMs + _burstMs + FailureLimits.DelayMax.Ticks / TimeSpan.TicksPerMillisecond);
            if (Interlocked.CompareExchange(ref fullAtMs, after, before) != before)
                continue;
            var delayMs = after - nowMs - _burstMs;
            return delayMs <= 0
                ? default
                : new Slowdown(TimeSpan.FromMilliseconds(delayMs), HasBegun: before - nowMs <= _burstMs);
        }
    }
}
