using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Core.Tests.Routing.Dispatch;

/// <summary>A dispatcher with everything around it in memory.</summary>
internal sealed class DispatchWorld : IEndpointPositionStore, IDeadLetters, IDispatchObserver
{
    private readonly ConcurrentQueue<(int Event, string Reason)> _deadLetters = new();

    public MemoryPartition Stream { get; init; } = new();

    public JumpingTime Clock { get; } = new();

    public DispatchOptions Options { get; init; } = new()
    {
        Linger = TimeSpan.Zero,
        RetryDelay = TimeSpan.FromSeconds(1),
        RetryDelayMax = TimeSpan.FromSeconds(60),
    };

    /// <summary>What is stored; the endpoint's key is always the same.</summary>
    public EndpointPosition? Saved { get; set; }

    public int Saves { get; private set; }

    public IReadOnlyList<(int Event, string Reason)> DeadLetters => [.. _deadLetters];

    /// <summary>What the dead letters answer; null: they take them.</summary>
    public Func<HubError?>? DeadLetterRefusal { get; set; }

    public ConcurrentQueue<string> Heard { get; } = new();

    /// <summary>What the dispatcher gave free, one after the other.</summary>
    public ConcurrentQueue<long> Done { get; } = new();

    public EndpointDispatcher Start(ScriptedSink sink, TimeProvider? time = null) => new(new DispatchServices
    {
        Name = "factory",
        PositionKey = "s1",
        Partition = Stream,
        Sink = sink,
        Positions = this,
        DeadLetters = this,
        Options = Options,
        Time = time ?? Clock,
        Observer = this,
        Random = new Random(1),
        OnDone = Done.Enqueue,
    });

    public ValueTask<EndpointPosition?> LoadPositionAsync(string endpoint, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Saved);

    public ValueTask<HubError?> SavePositionAsync(
        string endpoint, EndpointPosition position, CancellationToken cancellationToken)
    {
        Assert.Equal("s1", endpoint);
        Saves++;
        Saved = position;
        return ValueTask.FromResult<HubError?>(null);
    }

    public ValueTask<HubError?> DeletePositionAsync(string endpoint, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<HubError?> AddAsync(
        ReadOnlyMemory<StoredEvent> events, string reason, CancellationToken cancellationToken)
    {
        if (DeadLetterRefusal?.Invoke() is { } refusal)
            return ValueTask.FromResult<HubError?>(refusal);
        foreach (var stored in events.Span)
        {
            var number = int.Parse(Encoding.UTF8.GetString(stored.Sections.Span), CultureInfo.InvariantCulture);
            _deadLetters.Enqueue((number, reason));
        }
        return ValueTask.FromResult<HubError?>(null);
    }

    public void OnHealthChanged(string endpoint, EndpointHealth health, string? reason) => Heard.Enqueue($"{health}");

    public void OnDeadLettered(string endpoint, long firstSequenceNumber, int count, string reason) =>
        Heard.Enqueue($"dead {firstSequenceNumber} {count}");

    public void OnLost(string endpoint, long firstSequenceNumber, long count) =>
        Heard.Enqueue($"lost {firstSequenceNumber} {count}");

    public void OnPositionReset(string endpoint, long storedSequenceNumber, long lastSequenceNumber) =>
        Heard.Enqueue($"reset {storedSequenceNumber} {lastSequenceNumber}");

    public void OnFault(string endpoint, Exception fault) => Heard.Enqueue($"fault {fault.Message}");
}
