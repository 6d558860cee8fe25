namespace Hubbub.Cli.Bench;

/// <summary>What one phase of a benchmark measured.</summary>
/// <param name="Name">The phase, as its option names it.</param>
/// <param name="What">What was counted, for people.</param>
/// <param name="Count">How many, within <paramref name="Took"/>.</param>
/// <param name="Latency">How long each took; null where that has no meaning.</param>
internal sealed record PhaseResult(string Name, string What, long Count, TimeSpan Took, LatencyHistogram? Latency)
{
    public double PerSecond => Count / Math.Max(Took.TotalSeconds, 1e-6);
}
