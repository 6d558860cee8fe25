using System.Text;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Core.Security;
using Hubbub.Server.Routing.Sinks;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Routing.Sinks;

/// <summary>Webhooks whose receivers stall, lie and break off.</summary>
public sealed class HostileWebhookTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 10, 0, 0, TimeSpan.Zero));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 20")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Slow: ")]
    public async Task Receiver_ThatStallsBeforeTheEndOfTheHeaders_IsGivenUpAfterTheTimeout(string sent)
    {
        await using var receiver = new WebhookReceiver(async (_, stream, stop) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(sent), stop);
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, stop);
            return false;
        });
        await using var sink = Sink(receiver.Url);
        var delivery = sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation).AsTask();
        await receiver.Arrived.WaitAsync(Cancellation);
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(delivery.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));
        var result = await delivery.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        Assert.Equal((SinkFailure.Transient, "The webhook did not answer within 30 s."), (result.Failure, result.Reason));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\0\0\0 no HTTP at all\r\n\r\n")]
    [InlineData("HTTP/1.1 200\r\nContent-Length: 5")]
    [InlineData("HTTP/1.1 abc OK\r\n\r\n")]
    public async Task Receiver_ThatBreaksOffOrTalksNonsense_IsTriedAgain(string sent)
    {
        await using var receiver = new WebhookReceiver(async (_, stream, stop) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(sent), stop);
            return false;
        });
        await using var sink = Sink(receiver.Url);
        var result = await sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation);
        Assert.Equal(SinkFailure.Transient, result.Failure);
        Assert.False(string.IsNullOrEmpty(result.Reason));
        Assert.DoesNotContain("key=1", result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Receiver_ThatSaysYesAndThenLies_HasTheEvents()
    {
        string[] answers =
        [
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000\r\n\r\nonly this",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{garbage]]]]",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n",
        ];
        await using var receiver = new WebhookReceiver(async (request, stream, stop) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answers[request.Index]), stop);
            return false;
        });
        await using var sink = Sink(receiver.Url);
        foreach (var _ in answers)
            Assert.Equal(SinkResult.Done(2), await sink.DeliverAsync(StoredEvents.Several(2), "b", Cancellation));
    }

    [Fact]
    public async Task Receiver_WithAnEndlessBody_IsCutOff()
    {
        var cut = new TaskCompletionSource<long>();
        await using var receiver = new WebhookReceiver(async (_, stream, stop) =>
        {
            var written = 0L;
            try
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray(), stop);
                var chunk = Encoding.ASCII.GetBytes("10000\r\n" + new string('x', 0x10000) + "\r\n");
                while (true)
                {
                    await stream.WriteAsync(chunk, stop);
                    written += chunk.Length;
                }
            }
            finally
            {
                cut.TrySetResult(written);
            }
        });
        await using var sink = Sink(receiver.Url);
        Assert.Equal(SinkResult.Done(1), await sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation));
        // What fits into the sockets' buffers, and the little that is drained.
        Assert.InRange(await cut.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancellation), 0, 32 << 20);
    }

    [Fact]
    public async Task Receiver_WithHugeHeaders_IsTriedAgain()
    {
        var head = "HTTP/1.1 200 OK\r\nX-Much: " + new string('x', 1 << 20) + "\r\nContent-Length: 0\r\n\r\n";
        await using var receiver = WebhookReceiver.Answering(head);
        await using var sink = Sink(receiver.Url);
        var result = await sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation);
        Assert.Equal(SinkFailure.Transient, result.Failure);
    }

    [Fact]
    public async Task Receiver_ThatIsNotThere_IsTriedAgain()
    {
        string url;
        await using (var receiver = WebhookReceiver.Answering(""))
            url = receiver.Url;
        await using var sink = Sink(url);
        var result = await sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation);
        Assert.Equal(SinkFailure.Transient, result.Failure);
        Assert.Contains("refused", result.Reason, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Cancellation_OfADelivery_IsNoAnswerOfTheReceivers()
    {
        await using var receiver = new WebhookReceiver(async (_, _, stop) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, stop);
            return false;
        });
        await using var sink = Sink(receiver.Url);
        using var stop = new CancellationTokenSource();
        var delivery = sink.DeliverAsync(StoredEvents.Several(1), "b", stop.Token).AsTask();
        await receiver.Arrived.WaitAsync(Cancellation);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => delivery);
    }

    private WebhookSink Sink(string url)
    {
        var policy = new SinkPolicy { FileDirectory = "/nowhere", AllowPrivateAddresses = true };
        return new WebhookSink("factory", new WebhookOptions { Url = url, Secret = SymmetricKey.Generate() }, policy, _time);
    }
}
