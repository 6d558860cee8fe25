namespace Hubbub.Load;

/// <summary>One measured round of a client.</summary>
/// <param name="Rate">Messages a second.</param>
/// <param name="ClientCpuUs">Microseconds of CPU of the client's process that a message cost.</param>
/// <param name="HubCpuUs">The same of the hub's.</param>
internal readonly record struct ClientResult(double Rate, double ClientCpuUs, double HubCpuUs)
{
    /// <summary>Each figure's own median: what disturbs a rate need not disturb the processor time.</summary>
    public static ClientResult MedianOf(IReadOnlyList<ClientResult> results) => new(
        Median(results.Select(static r => r.Rate)),
        Median(results.Select(static r => r.ClientCpuUs)),
        Median(results.Select(static r => r.HubCpuUs)));

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    public override string ToString() => $"{Rate:N0}/s ({ClientCpuUs:F2} + {HubCpuUs:F2} us)";
}
