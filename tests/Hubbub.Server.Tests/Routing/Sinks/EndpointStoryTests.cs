using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Hubbub.Amqp.Codec;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Core.Security;
using Hubbub.Server.Hosting;
using Hubbub.Server.Routing;
using Hubbub.Server.Routing.Sinks;
using Hubbub.Server.Tests.Amqp.Harness;
using Hubbub.Server.Tests.Hosting;
using Hubbub.Storage.Events;
using Hubbub.Storage.Files;
using Hubbub.Storage.State;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hubbub.Server.Tests.Routing.Sinks;

/// <summary>An endpoint from its stream on disk to its receiver, through outages and restarts.</summary>
public sealed class EndpointStoryTests : IAsyncDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly DispatchOptions _options = new()
    {
        BatchCountMax = 20,
        Linger = TimeSpan.Zero,
        RetryDelay = TimeSpan.FromMilliseconds(5),
        RetryDelayMax = TimeSpan.FromMilliseconds(20),
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Webhook_ThatIsAwayAndComesBack_GetsAllEventsThroughRestarts()
    {
        var received = new ConcurrentQueue<int>();
        var isAway = true;
        var all = new TaskCompletionSource();
        await using var receiver = new WebhookReceiver(async (request, stream, stop) =>
        {
            var status = isAway ? 503 : 200;
            if (!isAway)
            {
                foreach (var number in Numbers(request.Body))
                    received.Enqueue(number);
                if (received.Contains(299))
                    all.TrySetResult();
            }
            await stream.WriteAsync(Encoding.ASCII.GetBytes(WebhookReceiver.Status(status)), stop);
            return true;
        });
        var sink = new WebhookOptions { Url = receiver.Url, Secret = SymmetricKey.Generate() };
        for (var life = 0; life < 3; life++)
        {
            await using var hub = await OpenAsync(sink);
            await hub.AppendAsync(life * 100, 100);
            isAway = life == 0;
            await receiver.Arrived.WaitAsync(Cancellation);
            if (life == 2)
                await all.Task.WaitAsync(TimeSpan.FromSeconds(120), Cancellation);
        }
        Assert.Equal(Enumerable.Range(0, 300), received.Distinct());
    }

    [Fact]
    public async Task DeadLetter_OfARefusedEvent_CanBeReadWithItsReason()
    {
        await using var receiver = new WebhookReceiver(async (request, stream, stop) =>
        {
            var status = Numbers(request.Body).Contains(7) ? 400 : 200;
            await stream.WriteAsync(Encoding.ASCII.GetBytes(WebhookReceiver.Status(status)), stop);
            return true;
        });
        await using var hub = await OpenAsync(new WebhookOptions { Url = receiver.Url, Secret = SymmetricKey.Generate() });
        await hub.AppendAsync(0, 30);
        await hub.Positions.WhenSavedAsync(29);

        Assert.Equal((29, 1, 0), (hub.Dispatcher.Status.Delivered, hub.Dispatcher.Status.DeadLettered, hub.Dispatcher.Status.LagEvents));
        Assert.Equal(EndpointHealth.Healthy, hub.Dispatcher.Status.Health);
        using var cursor = hub.DeadLetters.Partitions[0].Open(EventPosition.Earliest).Value;
        Assert.True(cursor.Load());
        Assert.True(cursor.TryRead(out var view));
        var letter = new StoredEvent
        {
            SequenceNumber = view.SequenceNumber,
            EnqueuedTimeMs = view.EnqueuedTimeMs,
            Stamp = view.Stamp.ToArray(),
            Annotations = view.Annotations.ToArray(),
            AnnotationCount = view.AnnotationCount,
            Sections = view.Sections.ToArray(),
        };
        var message = new StoredMessage(letter);
        Assert.Equal("{\"n\":7}"u8, message.Body.Span);
        Assert.Equal("press-1", message.DeviceId);
        Assert.Equal("factory", Text(message, "hubbub-dead-letter-endpoint"));
        Assert.Equal("Refused 3 times: The webhook answered 400.", Text(message, "hubbub-dead-letter-reason"));
        Assert.Equal("storage", Text(message, "level"));
        Assert.True(message.ApplicationProperties.TryGet("hubbub-dead-letter-time", out var time));
        Assert.Equal(AmqpKind.Timestamp, time.Kind);
        Assert.False(cursor.TryRead(out _) || cursor.Load());
    }

    [Fact]
    public async Task Files_OfAnEndpoint_HoldEachEventOnceThroughRestarts()
    {
        var sink = new JsonFileOptions { Directory = "out", RotateBytes = 8192 };
        for (var life = 0; life < 3; life++)
        {
            await using var hub = await OpenAsync(sink);
            await hub.AppendAsync(life * 100, 100);
            if (life == 2)
                await hub.Positions.WhenSavedAsync(299);
        }
        var lines = Directory.GetFiles(_directory["files/out"]).Order(StringComparer.Ordinal).SelectMany(File.ReadAllLines);
        Assert.Equal(Enumerable.Range(0, 300), lines.Select(static line =>
            JsonDocument.Parse(line).RootElement.GetProperty("Body").GetProperty("n").GetInt32()));
    }

    private static IEnumerable<int> Numbers(byte[] body)
    {
        using var json = JsonDocument.Parse(body);
        return [.. json.RootElement.EnumerateArray().Select(static e => e.GetProperty("Body").GetProperty("n").GetInt32())];
    }

    private static string? Text(in StoredMessage message, string name) =>
        message.ApplicationProperties.TryGet(name, out var value) ? PropertyText.Of(value) : null;

    private ValueTask<EndpointHub> OpenAsync(SinkOptions sink) => EndpointHub.OpenAsync(_directory, sink, _options);

    /// <summary>As much of a hub as an endpoint needs.</summary>
    private sealed class EndpointHub : EventProducer, IAsyncDisposable
    {
        private TaskCompletionSource _committed = new();
        private StateStore _state = null!;
        private SegmentedEventLog _stream = null!;

        public WatchedPositions Positions { get; private init; } = null!;

        public SegmentedEventLog DeadLetters { get; private set; } = null!;

        public EndpointDispatcher Dispatcher { get; private set; } = null!;

        public static ValueTask<EndpointHub> OpenAsync(TestDirectory directory, SinkOptions sink, DispatchOptions options)
        {
            var report = new StorageReport(NullLogger.Instance);
            Directory.CreateDirectory(directory["state"]);
            var state = StateStore.Open(directory["state"], TimeProvider.System);
            var hub = new EndpointHub
            {
                _state = state,
                Positions = new WatchedPositions(state),
                _stream = Log(directory["stream"], report),
                DeadLetters = Log(directory["dead"], report),
            };
            var policy = new SinkPolicy { FileDirectory = directory["files"], AllowPrivateAddresses = true };
            Assert.Null(sink.Validate(policy));
            var dispatch = new EndpointDispatch(
                [new SinkFactory(policy, TimeProvider.System)], hub.Positions, TimeProvider.System, NullLogger.Instance);
            hub.Dispatcher = dispatch.Start(
                "factory", "s1", sink, options, hub._stream, hub.DeadLetters.Partitions[0]);
            return ValueTask.FromResult(hub);
        }

        public async Task AppendAsync(int first, int count)
        {
            _committed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            var batch = new EventBatch();
            var map = StoredEvents.Map(("level", AmqpValue.From("storage")));
            for (var i = first; i < first + count; i++)
            {
                var body = string.Create(CultureInfo.InvariantCulture, $"{{\"n\":{i}}}");
                var stored = StoredEvents.Make(body, 0, StoredEvents.Json, map);
                batch.Add(stored.Stamp.Span, stored.AnnotationCount, stored.Sections.Span);
            }
            Assert.True(_stream.Partitions[0].Append(this, batch).IsOk);
            await _committed.Task;
        }

        public override void OnCommit(long commit, HubError? error) => _committed.TrySetResult();

        public async ValueTask DisposeAsync()
        {
            await Dispatcher.DisposeAsync();
            await _stream.DisposeAsync();
            await DeadLetters.DisposeAsync();
            _state.Dispose();
        }

        private static SegmentedEventLog Log(string path, StorageReport report) => SegmentedEventLog.Open(
            LocalFileSystem.Instance, path, new EventLogOptions { PartitionCount = 1, SegmentSizeBytes = 1 << 20 },
            TimeProvider.System, report);
    }
}

/// <summary>Positions that are stored, with the notice that they are: then the dispatcher has come so far.</summary>
internal sealed class WatchedPositions(IEndpointPositionStore store) : IEndpointPositionStore
{
    private readonly Signal _saved = new();
    private long _last = -1;

    public Task WhenSavedAsync(long sequenceNumber) => _saved.UntilAsync(
        () => Volatile.Read(ref _last) >= sequenceNumber ? this : null,
        () => $"the position {sequenceNumber}; it is {Volatile.Read(ref _last)}");

    public ValueTask<EndpointPosition?> LoadPositionAsync(string endpoint, CancellationToken cancellationToken) =>
        store.LoadPositionAsync(endpoint, cancellationToken);

    public async ValueTask<HubError?> SavePositionAsync(
        string endpoint, EndpointPosition position, CancellationToken cancellationToken)
    {
        var refusal = await store.SavePositionAsync(endpoint, position, cancellationToken);
        if (refusal is null)
        {
            Volatile.Write(ref _last, position.SequenceNumber);
            _saved.Set();
        }
        return refusal;
    }

    public ValueTask<HubError?> DeletePositionAsync(string endpoint, CancellationToken cancellationToken) =>
        store.DeletePositionAsync(endpoint, cancellationToken);
}
