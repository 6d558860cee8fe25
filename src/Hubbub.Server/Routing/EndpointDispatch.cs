using Hubbub.Core.Events;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Server.Routing.Sinks;
using Hubbub.Storage.Events;
using Microsoft.Extensions.Logging;

namespace Hubbub.Server.Routing;

/// <summary>Starts the dispatchers of custom endpoints.</summary>
/// <param name="factories">Who makes the sinks; the first that can does.</param>
/// <param name="positions">Where positions are kept.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">For what an operator should know.</param>
internal sealed class EndpointDispatch(
    IReadOnlyList<IEndpointSinkFactory> factories, IEndpointPositionStore positions, TimeProvider time, ILogger logger)
{
    private readonly DispatchReport _report = new(logger);

    /// <summary>True when some factory makes sinks of this kind; without one the endpoint must be refused.</summary>
    public bool CanStart(SinkOptions sink) => FactoryOf(sink) is not null;

    /// <summary>Starts to deliver a stream's events; whoever calls it disposes the dispatcher.</summary>
    /// <param name="name">The endpoint.</param>
    /// <param name="streamId">The stream; never used twice.</param>
    /// <param name="sink">Where to; valid options.</param>
    /// <param name="options">How; null for the sink's own defaults.</param>
    /// <param name="stream">The stream; of one partition.</param>
    /// <param name="deadLetters">The one partition of the endpoint's dead letters.</param>
    public EndpointDispatcher Start(
        string name,
        string streamId,
        SinkOptions sink,
        DispatchOptions? options,
        SegmentedEventLog stream,
        IEventPartition deadLetters) => new(new DispatchServices
        {
            Name = name,
            PositionKey = streamId,
            Partition = stream.Partitions[0],
            OnDone = done => stream.Release(0, done),
            Sink = FactoryOf(sink)?.Create(name, sink)
                ?? new ForbiddenSink($"This hub was built without endpoints of the kind {sink.GetType().Name}."),
            Positions = positions,
            DeadLetters = new DeadLetterStream(name, deadLetters, time),
            Options = options ?? sink.DefaultDispatch,
            Time = time,
            Observer = _report,
        });

    private IEndpointSinkFactory? FactoryOf(SinkOptions sink) => factories.FirstOrDefault(f => f.CanCreate(sink));
}
