namespace Hubbub.Client.Tests.Faults;

/// <summary>
/// Gives a client its tokens, of which the first ones may be about to run out: each ends in the middle of something.
/// </summary>
internal sealed class FaultTokens
{
    /// <summary>A hub takes a token for so long after its end, for clocks differ.</summary>
    private static readonly TimeSpan Leeway = TimeSpan.FromMinutes(5);

    private readonly ConnectionString _to;
    private readonly Queue<TimeSpan> _lives = new();
    private readonly Lock _gate = new();

    public FaultTokens(ConnectionString to, Random random)
    {
        _to = to;
        for (var i = random.Next(4); i > 1; i--)
            _lives.Enqueue(TimeSpan.FromMilliseconds(random.Next(50, 1_000)));
        Description = string.Join(", ", _lives.Select(life => $"token of {life.TotalMilliseconds} ms"));
        AnyShort = _lives.Count > 0;
    }

    public string Description { get; }

    public bool AnyShort { get; }

    /// <summary>For ClientOptions.TokenProvider.</summary>
    public ValueTask<SasToken> GiveAsync(string resource, CancellationToken cancellationToken)
    {
        TimeSpan life;
        lock (_gate)
            life = _lives.TryDequeue(out var next) ? next - Leeway : TimeSpan.FromHours(1);
        // Whole seconds: such a token lives up to a second less than it should.
        var until = TimeProvider.System.GetUtcNow() + life;
        var isEventHub = resource.StartsWith("sb://", StringComparison.Ordinal);
        return new(isEventHub
            ? SasToken.ForEventHubs(resource, _to.SharedAccessKey!, _to.PolicyName!, until)
            : SasToken.ForIotHub(resource, _to.SharedAccessKey!, _to.PolicyName, until));
    }
}
