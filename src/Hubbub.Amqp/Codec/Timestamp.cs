namespace Hubbub.Amqp.Codec;

/// <summary>
/// A point in time in milliseconds since 1970-01-01 UTC (AMQP 1.6.17). Any 64-bit value may arrive and is passed on
/// unchanged, also those that <see cref="DateTimeOffset"/> cannot hold.
/// </summary>
/// <param name="UnixTimeMs">Milliseconds since 1970-01-01 UTC, negative before.</param>
public readonly record struct Timestamp(long UnixTimeMs)
{
    private static readonly long MinMs = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long MaxMs = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <summary>The timestamp of this time, cut to whole milliseconds.</summary>
    public static implicit operator Timestamp(DateTimeOffset time) => From(time);

    /// <summary>The timestamp of this time, cut to whole milliseconds.</summary>
    public static Timestamp From(DateTimeOffset time) => new(time.ToUnixTimeMilliseconds());

    /// <summary>The time; what lies before year 1 or after year 9999 becomes the nearest time that does not.</summary>
    public DateTimeOffset ToDateTimeOffset() =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(UnixTimeMs, MinMs, MaxMs));

    /// <summary>ISO 8601, UTC.</summary>
    public override string ToString() => ToDateTimeOffset().ToString("O");
}
