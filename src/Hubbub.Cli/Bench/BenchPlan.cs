namespace Hubbub.Cli.Bench;

/// <summary>What a benchmark does.</summary>
internal sealed record BenchPlan
{
    /// <summary>Before each measurement: connections, code and caches get warm.</summary>
    public static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    public required int Devices { get; init; }

    /// <summary>Bytes of a message's body.</summary>
    public required int BodyBytes { get; init; }

    /// <summary>Messages of a device that are sent and not acknowledged yet.</summary>
    public required int Window { get; init; }

    /// <summary>How long each phase is measured.</summary>
    public required TimeSpan Duration { get; init; }
}
