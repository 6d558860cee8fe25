using System.Globalization;
using System.Text;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Core.Tests.Routing.Dispatch;

/// <summary>One call that a sink got.</summary>
internal sealed record SinkCall(string BatchId, int[] Events);

/// <summary>A sink that does what the test says, and remembers what it was given.</summary>
/// <param name="answer">Gets the numbers of the events and how many calls there were before.</param>
internal sealed class ScriptedSink(Func<int[], int, SinkResult> answer) : IEndpointSink
{
    private readonly Lock _lock = new();
    private readonly List<SinkCall> _calls = [];
    private readonly List<int> _delivered = [];
    private readonly List<(Func<bool> Condition, TaskCompletionSource Done)> _waiters = [];

    public string? State { get; set; }

    public string? OpenedWith { get; private set; }

    public bool IsDisposed { get; private set; }

    public Func<SinkResult>? Opens { get; set; }

    public Func<CancellationToken, Task>? Before { get; set; }

    public IReadOnlyList<SinkCall> Calls
    {
        get
        {
            lock (_lock)
                return [.. _calls];
        }
    }

    /// <summary>All that was delivered, in order, repetitions included.</summary>
    public IReadOnlyList<int> Delivered
    {
        get
        {
            lock (_lock)
                return [.. _delivered];
        }
    }

    public static ScriptedSink Willing() => new(static (events, _) => SinkResult.Done(events.Length));

    public Task WhenAsync(Func<bool> condition)
    {
        lock (_lock)
        {
            if (condition())
                return Task.CompletedTask;
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((condition, done));
            return done.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        }
    }

    public Task WhenDeliveredAsync(int count) => WhenAsync(() => _delivered.Count >= count);

    public Task WhenCalledAsync(int count) => WhenAsync(() => _calls.Count >= count);

    public ValueTask<SinkResult> OpenAsync(string? state, CancellationToken cancellationToken)
    {
        OpenedWith = state;
        return ValueTask.FromResult(Opens?.Invoke() ?? SinkResult.Done());
    }

    public async ValueTask<SinkResult> DeliverAsync(
        ReadOnlyMemory<StoredEvent> events, string batchId, CancellationToken cancellationToken)
    {
        if (Before is { } before)
            await before(cancellationToken);
        var numbers = new int[events.Length];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = int.Parse(Encoding.UTF8.GetString(events.Span[i].Sections.Span), CultureInfo.InvariantCulture);
            Assert.Equal(numbers[i], events.Span[i].SequenceNumber);
        }
        lock (_lock)
        {
            _calls.Add(new SinkCall(batchId, numbers));
            var result = answer(numbers, _calls.Count - 1);
            _delivered.AddRange(numbers.Take(result.Delivered));
            foreach (var waiter in _waiters)
            {
                if (waiter.Condition())
                    waiter.Done.TrySetResult();
            }
            return result;
        }
    }

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return ValueTask.CompletedTask;
    }
}
