using System.Collections.Concurrent;
using System.Text;
using Hubbub.Core.Commands;
using Hubbub.Core.Identities;
using Hubbub.Core.Tests.Identities;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Core.Tests.Commands;

/// <summary>Queues over a store in memory, with a clock that the test moves and devices d1 and d2 and module d1/m1.</summary>
internal sealed class CommandWorld : IAsyncDisposable
{
    public static readonly CommandTarget D1 = new("d1");
    public static readonly CommandTarget D2 = new("d2");
    public static readonly CommandTarget M1 = new("d1", "m1");

    private CommandWorld(IdentityRegistry registry, CommandOptions options) => (Registry, Options) = (registry, options);

    public CountingTime Time { get; } = new(new DateTimeOffset(2026, 5, 1, 10, 0, 0, TimeSpan.Zero));

    public MemoryCommandStore Store { get; } = new();

    public IdentityRegistry Registry { get; }

    public CommandOptions Options { get; }

    public CommandQueues Queues { get; private set; } = null!;

    /// <summary>What the owner was told of commands that cannot be read.</summary>
    public ConcurrentQueue<HubError> Unreadable { get; } = new();

    public TestReceiver Receiver { get; } = new();

    public TestFeedbackReceiver Feedback { get; } = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<CommandWorld> CreateAsync(CommandOptions? options = null)
    {
        var registry = await IdentityRegistry.OpenAsync(new MemoryIdentityStore(), TimeProvider.System, Cancellation);
        foreach (var id in new[] { "d1", "d2" })
            Assert.True((await registry.CreateDeviceAsync(new DeviceDescription { DeviceId = id }, Cancellation)).IsOk);
        var module = new ModuleDescription { DeviceId = "d1", ModuleId = "m1" };
        Assert.True((await registry.CreateModuleAsync(module, Cancellation)).IsOk);
        var world = new CommandWorld(registry, options ?? new CommandOptions());
        await world.OpenAsync();
        return world;
    }

    /// <summary>As after a crash: nothing in memory is left, and nobody was told to end.</summary>
    public async Task OpenAsync()
    {
        if (Queues is not null)
            await Queues.DisposeAsync();
        Queues = await CommandQueues.OpenAsync(Store, Registry, Options, Time, Unreadable.Enqueue, Cancellation);
        Queues.Feedback.Attach(Feedback);
    }

    public ValueTask<HubError?> SendAsync(
        string messageId, CommandTarget? to = null, FeedbackMode ack = FeedbackMode.Full, DateTimeOffset? expiresAt = null,
        int sizeBytes = 10) =>
        Queues.SendAsync(
            new NewCommand
            {
                Target = to ?? D1,
                MessageId = messageId,
                Ack = ack,
                ExpiresAt = expiresAt,
                SizeBytes = sizeBytes,
                Payload = Encoding.UTF8.GetBytes(messageId),
            },
            Cancellation);

    /// <summary>Sends, and fails the test when that is refused.</summary>
    public async Task SendAllAsync(params string[] messageIds)
    {
        foreach (var id in messageIds)
            Assert.Null(await SendAsync(id));
    }

    public async Task<IReadOnlyList<LockedCommand>> ReceiveAsync(
        CommandTarget? from = null, int countMax = 100, ICommandReceiver? receiver = null) =>
        await Queues.ReceiveAsync(from ?? D1, receiver ?? Receiver, countMax, Cancellation);

    public async Task<LockedCommand> ReceiveOneAsync(CommandTarget? from = null) =>
        Assert.Single(await ReceiveAsync(from, 1));

    public ValueTask<HubError?> SettleAsync(LockedCommand command, CommandDisposition disposition, CommandTarget? of = null) =>
        Queues.SettleAsync(of ?? D1, command.LockToken, disposition, Cancellation);

    /// <summary>Takes all feedback there is and completes it: outcome and message id of each record.</summary>
    public async Task<(string? Id, CommandOutcome Outcome)[]> TakeFeedbackAsync()
    {
        var taken = new List<(string?, CommandOutcome)>();
        while (Queues.Feedback.TryReceive(Feedback) is { } message)
        {
            taken.AddRange(message.Records.Select(static r => (r.OriginalMessageId, r.Outcome)));
            Assert.Null(await Queues.Feedback.SettleAsync(message.LockToken, CommandDisposition.Complete, Cancellation));
        }
        return [.. taken];
    }

    public static string[] Ids(IEnumerable<LockedCommand> commands) =>
        [.. commands.Select(static c => Encoding.UTF8.GetString(c.Payload.Span))];

    public async ValueTask DisposeAsync() => await Queues.DisposeAsync();
}

/// <summary>A clock that the test moves, and that counts the timers made and how often they fired.</summary>
internal sealed class CountingTime(DateTimeOffset start) : FakeTimeProvider(start)
{
    public int Timers { get; private set; }

    public int Fired { get; private set; }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Timers++;
        return base.CreateTimer(Count, null, dueTime, period);

        void Count(object? ignored)
        {
            Fired++;
            callback(state);
        }
    }
}

/// <summary>A device's connection that counts what it is told.</summary>
internal sealed class TestReceiver : ICommandReceiver
{
    private int _wakes;

    public int Wakes => Volatile.Read(ref _wakes);

    public HubError? Displaced { get; private set; }

    public void OnCommandsReady() => Interlocked.Increment(ref _wakes);

    public void OnDisplaced(HubError reason) => Displaced = reason;
}

/// <summary>A service's connection that counts what it is told.</summary>
internal sealed class TestFeedbackReceiver : IFeedbackReceiver
{
    private int _wakes;

    public int Wakes => Volatile.Read(ref _wakes);

    public void OnFeedbackReady() => Interlocked.Increment(ref _wakes);
}
