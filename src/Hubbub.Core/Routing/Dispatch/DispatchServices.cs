using Hubbub.Core.Events;

namespace Hubbub.Core.Routing.Dispatch;

/// <summary>What a dispatcher works with.</summary>
public sealed record DispatchServices
{
    /// <summary>The endpoint's name, for people.</summary>
    public required string Name { get; init; }

    /// <summary>The key of its position (<see cref="IEndpointPositionStore"/>).</summary>
    public required string PositionKey { get; init; }

    /// <summary>The one partition of its stream.</summary>
    public required IEventPartition Partition { get; init; }

    /// <summary>Where the events go; the dispatcher disposes it.</summary>
    public required IEndpointSink Sink { get; init; }

    public required IEndpointPositionStore Positions { get; init; }

    /// <summary>
    /// Told, when a position has been stored, which event is the last that this endpoint needs no more.
    /// </summary>
    public Action<long>? OnDone { get; init; }

    public required IDeadLetters DeadLetters { get; init; }

    public required DispatchOptions Options { get; init; }

    public required TimeProvider Time { get; init; }

    public required IDispatchObserver Observer { get; init; }

    /// <summary>Spreads the attempts after failures.</summary>
    public Random Random { get; init; } = Random.Shared;
}
