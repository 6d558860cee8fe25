using System.Numerics;
using Hubbub.Amqp.Messages;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Core.Routing.Query;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Routing;

/// <summary>
/// Where one sender's messages go: matches each against the routes in force and appends it to the stream of every
/// endpoint that wants it. Used under the sender's own lock; <paramref name="woken"/> is called on a log's thread.
/// </summary>
/// <param name="router">The routes in force.</param>
/// <param name="deviceId">All of a device's events are in one partition of a stream, so that their order holds.</param>
/// <param name="woken">Something that was appended is on stable storage, or was refused there.</param>
internal sealed class SenderRoutes(TelemetryRouter router, string deviceId, Action woken)
{
    [ThreadStatic]
    private static EventBatch?[]? t_batches;

    private RoutingState? _state;
    private Lane?[] _lanes = [];
    private LaneCommit[] _commits = new LaneCommit[1];
    private int _count;
    private RouteMemo? _memo;
    private TelemetrySender? _sender;
    private ReadOnlyMemory<byte> _stamp;
    private int _stampCount;

    /// <summary>The commits that the last append belongs to; none when nobody wanted the messages.</summary>
    public ReadOnlySpan<LaneCommit> Commits => _commits.AsSpan(0, _count);

    /// <summary>
    /// A partition of the last append that should be given time to catch up; null when none needs it.
    /// </summary>
    public IEventPartition? Saturated { get; private set; }

    /// <summary>Says who sends from now on.</summary>
    /// <param name="sender">What conditions may ask of the sender.</param>
    /// <param name="stamp">Encoded annotation pairs that each event gets.</param>
    /// <param name="stampCount">How many map elements these are.</param>
    public void Describe(TelemetrySender sender, ReadOnlyMemory<byte> stamp, int stampCount)
    {
        (_sender, _stamp, _stampCount) = (sender, stamp, stampCount);
        _memo?.Clear();
        foreach (var lane in _lanes)
            lane?.Stamp(stamp, stampCount);
    }

    /// <summary>
    /// Completes when no stream that this sender may reach is behind: for senders that ask before each message, as
    /// others heed <see cref="Saturated"/> after it.
    /// </summary>
    public async ValueTask WhenNotSaturatedAsync(CancellationToken cancellationToken)
    {
        foreach (var target in router.State.Targets)
        {
            var partition = PartitionOf(target.Log);
            if (partition.IsSaturated)
                await partition.WhenNotSaturatedAsync(cancellationToken);
        }
    }

    /// <summary>Appends one message to all streams that it goes to.</summary>
    /// <param name="message">The message as received.</param>
    /// <param name="stored">The message as it is stored.</param>
    /// <returns>Null, or why a stream refused it; then the sender must be told so, and may send it again.</returns>
    public HubError? Append(ref readonly MessageSections message, TelemetryMessage stored)
    {
        var state = Begin();
        if (state.IsDirect)
            return Append(state, 0, stored, stored.Sections.Span);
        for (var set = Match(state, in message); set != 0; set &= set - 1)
        {
            var target = BitOperations.TrailingZeroCount(set);
            var sections = stored.Sections.Span;
            if (state.Targets[target].Pairs is { } pairs)
            {
                sections = pairs.Apply(in message);
                if (IsTooLarge(sections))
                    continue;
            }
            if (Append(state, target, stored, sections) is { } refusal)
                return refusal;
        }
        return null;
    }

    /// <summary>Begins to gather messages that are stored together.</summary>
    public void BeginBatch()
    {
        var state = Begin();
        var batches = t_batches ??= new EventBatch?[1];
        if (batches.Length < state.Targets.Length)
            Array.Resize(ref t_batches, state.Targets.Length);
        foreach (var batch in t_batches!)
            batch?.Clear();
    }

    /// <summary>Adds a message to what is gathered.</summary>
    public void AddToBatch(ref readonly MessageSections message, TelemetryMessage stored)
    {
        var state = _state!;
        if (state.IsDirect)
        {
            BatchOf(0).Add(stored.Annotations, stored.AnnotationCount, stored.Sections.Span);
            return;
        }
        for (var set = Match(state, in message); set != 0; set &= set - 1)
        {
            var target = BitOperations.TrailingZeroCount(set);
            var sections = state.Targets[target].Pairs is { } pairs ? pairs.Apply(in message) : stored.Sections.Span;
            if (!IsTooLarge(sections))
                BatchOf(target).Add(stored.Annotations, stored.AnnotationCount, sections);
        }
    }

    /// <summary>Appends what was gathered: to each stream all of its messages or none.</summary>
    /// <returns>Null, or why a stream refused them.</returns>
    public HubError? AppendBatch()
    {
        var state = _state!;
        for (var target = 0; target < state.Targets.Length; target++)
        {
            if (t_batches![target] is not { Count: > 0 } batch)
                continue;
            var lane = LaneOf(state, target);
            if (Note(lane, lane.Partition.Append(lane, batch)) is { } refusal)
                return refusal;
        }
        return null;
    }

    /// <summary>Gives back what a large batch has needed.</summary>
    public static void EndBatch(int bytesUsed)
    {
        if (bytesUsed > MessageLimits.ScratchBytesKept && t_batches is { } batches)
            Array.Clear(batches);
    }

    private static EventBatch BatchOf(int target) => t_batches![target] ??= new EventBatch();

    private RoutingState Begin()
    {
        _count = 0;
        Saturated = null;
        var state = router.State;
        if (state != _state)
            Adopt(state);
        return state;
    }

    private ulong Match(RoutingState state, ref readonly MessageSections message)
    {
        var view = new TelemetryView(in message, _sender!);
        var set = state.Table.Match(ref view, _memo ??= new RouteMemo());
        if (set == 0)
            router.Metrics.EventUnmatched();
        return set;
    }

    private bool IsTooLarge(ReadOnlySpan<byte> sections)
    {
        if (sections.Length <= MessageLimits.TelemetrySizeBytesMax + MessageLimits.EnrichmentSlackBytes)
            return false;
        router.Metrics.EventOversized();
        return true;
    }

    private HubError? Append(RoutingState state, int target, TelemetryMessage stored, ReadOnlySpan<byte> sections)
    {
        var lane = LaneOf(state, target);
        return Note(lane, lane.Partition.Append(lane, stored.Annotations, stored.AnnotationCount, sections));
    }

    private HubError? Note(Lane lane, HubResult<long> appended)
    {
        if (!appended.IsOk)
            return appended.Error;
        if (_count == _commits.Length)
            Array.Resize(ref _commits, _count * 2);
        _commits[_count++] = new LaneCommit(lane, appended.Value);
        if (lane.Partition.IsSaturated)
            Saturated = lane.Partition;
        return null;
    }

    private Lane LaneOf(RoutingState state, int target) => _lanes[target] ?? MakeLane(state, target);

    private Lane MakeLane(RoutingState state, int target)
    {
        var log = state.Targets[target].Log;
        var lane = new Lane(log, PartitionOf(log), woken);
        lane.Stamp(_stamp, _stampCount);
        return _lanes[target] = lane;
    }

    private IEventPartition PartitionOf(IEventLog log) =>
        log.Partitions[PartitionHash.PartitionOf(deviceId, log.Partitions.Count)];

    /// <summary>Lanes into streams that are still there go on, for their commits are counted.</summary>
    private void Adopt(RoutingState state)
    {
        var lanes = new Lane?[state.Targets.Length];
        for (var i = 0; i < lanes.Length; i++)
            lanes[i] = Array.Find(_lanes, lane => lane is not null && lane.Log == state.Targets[i].Log);
        (_state, _lanes) = (state, lanes);
    }
}
