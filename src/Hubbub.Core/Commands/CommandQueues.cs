using System.Collections.Concurrent;
using Hubbub.Core.Identities;

namespace Hubbub.Core.Commands;

/// <summary>
/// The commands of all devices and modules, and the feedback about them, in this process. What is accepted is on stable
/// storage; each command ends in exactly one way, and its outcome and the record of it are one transaction. Locks are
/// not stored: a crash releases them. Safe for concurrent use.
/// </summary>
public sealed partial class CommandQueues : ICommandDelivery, IAsyncDisposable
{
    private readonly IdentityRegistry _registry;
    private readonly CommandOptions _options;
    private readonly CommandJournal _journal;
    private readonly Deadlines _deadlines;
    private readonly PayloadBudget _payloads = new(CommandLimits.PayloadBytesMax);
    private readonly Func<long> _nextCommand;

    // Bounded by the identities that exist: only they get commands, and a queue goes when nothing is in it.
    private readonly ConcurrentDictionary<CommandTarget, CommandQueue> _queues = new();
    private readonly IDisposable _identityChanges;
    private long _lastCommand;
    private long _lastFeedback;
    private int _moduleQueues;

    private CommandQueues(
        ICommandStore store, IdentityRegistry registry, CommandOptions options, TimeProvider time,
        Action<HubError> onUnreadable, CommandSnapshot snapshot)
    {
        (_registry, _options) = (registry, options);
        (_lastCommand, _lastFeedback) = (snapshot.LastCommand, snapshot.LastFeedback);
        _nextCommand = () => Interlocked.Increment(ref _lastCommand);
        _journal = new CommandJournal(store, onUnreadable);
        _deadlines = new Deadlines(time, OnDue);
        Feedback = new FeedbackQueue(_journal, _deadlines, options, Counters);
        Restore(snapshot);
        _identityChanges = registry.Subscribe(OnIdentityChanged);
    }

    /// <summary>What services are told about their commands.</summary>
    public FeedbackQueue Feedback { get; }

    public CommandCounters Counters { get; } = new();

    /// <summary>Who is told of every change of a command.</summary>
    public CommandWatches Watches { get; } = new();

    /// <summary>Identities that have commands or a receiver.</summary>
    internal int QueueCount => _queues.Count;

    /// <summary>Loads what is pending. Commands of identities that are gone are removed.</summary>
    /// <param name="store">Where commands are kept.</param>
    /// <param name="registry">Who may have commands.</param>
    /// <param name="options">What the operator has set.</param>
    /// <param name="time">The clock.</param>
    /// <param name="onUnreadable">Told, from any thread, when stored commands cannot be read any more.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public static async ValueTask<CommandQueues> OpenAsync(
        ICommandStore store, IdentityRegistry registry, CommandOptions options, TimeProvider time,
        Action<HubError> onUnreadable, CancellationToken cancellationToken)
    {
        var snapshot = await store.LoadAsync(cancellationToken).ConfigureAwait(false);
        return new(store, registry, options, time, onUnreadable, snapshot);
    }

    /// <summary>
    /// Takes a command; completes when it is on stable storage. Calls made one after the other are delivered in that
    /// order, whether or not the former has completed. A call that has begun is not cancelled any more.
    /// </summary>
    /// <returns>
    /// Null, or MessageTooLarge, DeviceNotFound, ModuleNotFound, DeviceMaximumQueueDepthExceeded, StorageFull or
    /// ServiceUnavailable.
    /// </returns>
    public async ValueTask<HubError?> SendAsync(NewCommand command, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (command.SizeBytes > CommandLimits.SizeBytesMax)
        {
            return new HubError(
                HubErrorCode.MessageTooLarge,
                $"Message size is {command.SizeBytes} bytes which is greater than the max size "
                + $"{CommandLimits.SizeBytesMax} bytes allowed.");
        }
        var nowMs = _deadlines.NowMs;
        var expiresMs = ExpiryOf(command, nowMs);
        var added = Add(command, nowMs, expiresMs);
        if (!added.IsOk)
            return added.Error;
        var pending = added.Value;
        var write = new CommandWrite.Add(pending.ToStored(), command.Payload);
        var error = await _journal.WriteAsync([write]).ConfigureAwait(false);
        if (error is null)
        {
            Counters.Add(1);
            if (_payloads.TryKeep(command.Payload))
                CommandQueue.SetPayload(pending, command.Payload);
        }
        var isOpen = pending.Queue.OnStored(pending, error is null, out var wake);
        wake?.OnCommandsReady();
        if (error is not null)
        {
            Retire(pending.Queue);
            return error;
        }
        if (!isOpen)
        {
            Forget([pending]);
            return NotFound(command.Target);
        }
        Counters.OnEnqueued();
        return null;
    }

    /// <summary>How many commands of a device or module have no outcome yet.</summary>
    public int CountOf(CommandTarget target) => _queues.TryGetValue(target, out var queue) ? queue.Count : 0;

    /// <summary>Ends every command of a device or module that waits or is locked.</summary>
    /// <returns>How many there were, or DeviceNotFound or ModuleNotFound, or why it could not be stored.</returns>
    public async ValueTask<HubResult<int>> PurgeAsync(CommandTarget target, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (GenerationOf(target) is null)
            return NotFound(target);
        if (!_queues.TryGetValue(target, out var queue))
            return 0;
        var decided = new List<Decision>();
        queue.Purge(decided);
        return await StoreAsync(decided).ConfigureAwait(false) is { } error ? error : decided.Count;
    }

    /// <summary>Stores what was begun, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _identityChanges.Dispose();
        _deadlines.Dispose();
        await _journal.DisposeAsync().ConfigureAwait(false);
    }

    private long ExpiryOf(NewCommand command, long nowMs)
    {
        var latestMs = nowMs + (long)CommandLimits.TimeToLiveMax.TotalMilliseconds;
        return command.ExpiresAt is { } wanted
            ? Math.Clamp(wanted.ToUnixTimeMilliseconds(), 0, latestMs)
            : nowMs + (long)_options.TimeToLive.TotalMilliseconds;
    }

    private HubResult<Command> Add(NewCommand wanted, long nowMs, long expiresMs)
    {
        while (true)
        {
            if (FindOrMakeQueue(wanted.Target) is not { } queue)
                return NotFound(wanted.Target);
            if (queue.TryAdd(wanted, nowMs, expiresMs, _nextCommand) is { } command)
            {
                // The identity may have gone between the look at the registry and the queue's making.
                if (GenerationOf(wanted.Target) == queue.GenerationId)
                    return command;
                queue.OnStored(command, isStored: false, out _);
                CloseQueue(queue);
                return NotFound(wanted.Target);
            }
            if (!queue.IsClosed)
            {
                return new HubError(
                    HubErrorCode.DeviceMaximumQueueDepthExceeded,
                    $"The queue of {wanted.Target} holds {_options.QueueDepthMax} commands, the maximum. "
                    + "Wait until the device has dealt with some, or purge it.");
            }
        }
    }

    private CommandQueue? FindOrMakeQueue(CommandTarget target)
    {
        while (GenerationOf(target) is { } generationId)
        {
            if (!_queues.TryGetValue(target, out var queue))
            {
                queue = new CommandQueue(target, generationId, _options, _deadlines, Watches);
                if (!_queues.TryAdd(target, queue))
                    continue;
                if (target.ModuleId is not null)
                    Interlocked.Increment(ref _moduleQueues);
            }
            if (queue.GenerationId == generationId && !queue.IsClosed)
                return queue;
            CloseQueue(queue);
        }
        return null;
    }

    private string? GenerationOf(CommandTarget target) => _registry.GenerationOf(target.DeviceId, target.ModuleId);

    private HubError NotFound(CommandTarget target) =>
        target.ModuleId is null || _registry.FindDevice(target.DeviceId) is null
            ? new HubError(HubErrorCode.DeviceNotFound, $"The device '{target.DeviceId}' is not registered.")
            : new HubError(HubErrorCode.ModuleNotFound, $"The {target} is not registered.");

    private void Restore(CommandSnapshot snapshot)
    {
        var orphans = new List<CommandWrite>();
        foreach (var command in snapshot.Commands)
        {
            if (GenerationOf(command.Target) != command.GenerationId)
            {
                orphans.Add(new CommandWrite.End(command.SequenceNumber, null));
                continue;
            }
            FindOrMakeQueue(command.Target)!.Restore(command);
            Counters.Add(1);
        }
        var records = new List<FeedbackRecord>(snapshot.Feedback.Count);
        foreach (var record in snapshot.Feedback)
        {
            if (GenerationOf(record.Target) == record.GenerationId)
                records.Add(record);
            else
                orphans.Add(new CommandWrite.RemoveFeedback(record.SequenceNumber));
        }
        Feedback.Add(records);
        _journal.WriteLater(orphans);
    }
}
