using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Core.Security;
using Hubbub.Server.Routing.Sinks;
using Hubbub.Server.Tests.Hosting;

namespace Hubbub.Server.Tests.Routing.Sinks;

/// <summary>Webhooks whose receivers take events, refuse them, and redirect.</summary>
public sealed class WebhookSinkTests : IDisposable
{
    private readonly WatchedTime _time = new(new DateTimeOffset(2026, 5, 1, 10, 0, 0, TimeSpan.Zero));
    private readonly SymmetricKey _secret = SymmetricKey.Generate();
    private readonly X509Certificate2 _certificate =
        TestCertificates.SelfSigned("localhost", TimeProvider.System.GetUtcNow());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _certificate.Dispose();

    [Fact]
    public async Task Delivery_ToAWillingReceiver_CarriesEventsIdsAndAVerifiableSignature()
    {
        await using var receiver = WebhookReceiver.Answering(WebhookReceiver.Status(202), _certificate);
        await using var sink = Sink(receiver.Url, ca: _certificate.ExportCertificatePem());
        var first = await sink.DeliverAsync(StoredEvents.Several(3), "s1-0-2", Cancellation);
        _time.Advance(TimeSpan.FromSeconds(9));
        var second = await sink.DeliverAsync(StoredEvents.Several(3), "s1-0-2", Cancellation);
        Assert.Equal((SinkResult.Done(3), SinkResult.Done(3)), (first, second));
        Assert.Equal(1, receiver.ConnectionCount);
        foreach (var request in receiver.Requests)
        {
            Assert.Equal("POST /hook?key=1 HTTP/1.1", request.Line);
            Assert.Equal("application/json; charset=utf-8", request.Headers["content-type"]);
            Assert.Equal("s1-0-2", request.Headers["webhook-id"]);
            Assert.Equal("factory", request.Headers["hubbub-endpoint"]);
            Assert.Equal("3", request.Headers["hubbub-event-count"]);
            Assert.StartsWith("Hubbub/", request.Headers["user-agent"], StringComparison.Ordinal);
            // As the page docs/wire/endpoints.md tells receivers to.
            var signed = Encoding.UTF8.GetBytes(
                $"{request.Headers["webhook-id"]}.{request.Headers["webhook-timestamp"]}.{Encoding.UTF8.GetString(request.Body)}");
            var expected = HMACSHA256.HashData(Convert.FromBase64String(_secret.Reveal()), signed);
            Assert.Equal("v1," + Convert.ToBase64String(expected), request.Headers["webhook-signature"]);
            using var json = JsonDocument.Parse(request.Body);
            Assert.Equal([0, 1, 2], json.RootElement.EnumerateArray()
                .Select(static e => e.GetProperty("Body").GetProperty("n").GetInt32()));
        }
        var seconds = receiver.Requests.Select(static r => r.Headers["webhook-timestamp"]);
        Assert.Equal(["1777629600", "1777629609"], seconds);
    }

    [Theory]
    [InlineData(200, SinkFailure.None)]
    [InlineData(201, SinkFailure.None)]
    [InlineData(204, SinkFailure.None)]
    [InlineData(301, SinkFailure.Transient)]
    [InlineData(304, SinkFailure.Transient)]
    [InlineData(400, SinkFailure.Refused)]
    [InlineData(401, SinkFailure.Refused)]
    [InlineData(404, SinkFailure.Refused)]
    [InlineData(408, SinkFailure.Transient)]
    [InlineData(410, SinkFailure.Refused)]
    [InlineData(413, SinkFailure.Refused)]
    [InlineData(422, SinkFailure.Refused)]
    [InlineData(425, SinkFailure.Transient)]
    [InlineData(429, SinkFailure.Transient)]
    [InlineData(500, SinkFailure.Transient)]
    [InlineData(503, SinkFailure.Transient)]
    [InlineData(599, SinkFailure.Transient)]
    [InlineData(777, SinkFailure.Transient)]
    public async Task Status_OfAnAnswer_DecidesWhatBecomesOfTheEvents(int status, SinkFailure failure)
    {
        await using var receiver = WebhookReceiver.Answering(WebhookReceiver.Status(status));
        await using var sink = Sink(receiver.Url);
        var result = await sink.DeliverAsync(StoredEvents.Several(2), "b", Cancellation);
        Assert.Equal(failure, result.Failure);
        Assert.Equal(failure == SinkFailure.None ? 2 : 0, result.Delivered);
        Assert.Equal(failure == SinkFailure.Refused ? 2 : 0, result.RefusedCount);
        if (failure != SinkFailure.None)
            Assert.Contains(status.ToString(CultureInfo.InvariantCulture), result.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("120", 120)]
    [InlineData("Fri, 01 May 2026 10:01:00 GMT", 60)]
    [InlineData("Fri, 01 May 2020 10:01:00 GMT", null)]
    [InlineData("soon", null)]
    [InlineData("-5", null)]
    [InlineData("99999999999999999999999999", null)]
    public async Task RetryAfter_InAnyForm_IsPassedOnOrIgnored(string value, int? seconds)
    {
        await using var receiver = WebhookReceiver.Answering(WebhookReceiver.Status(503, $"Retry-After: {value}\r\n"));
        await using var sink = Sink(receiver.Url);
        var result = await sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation);
        Assert.Equal(seconds, result.RetryAfter?.TotalSeconds);
    }

    [Fact]
    public async Task Redirect_ToAPrivateAddress_IsNotFollowed()
    {
        await using var inner = WebhookReceiver.Answering(WebhookReceiver.Status(200));
        await using var receiver =
            WebhookReceiver.Answering(WebhookReceiver.Status(307, $"Location: {inner.Url}\r\n"));
        await using var sink = Sink(receiver.Url);
        var result = await sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation);
        Assert.Equal(SinkFailure.Transient, result.Failure);
        Assert.Equal(0, inner.ConnectionCount);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("169.254.169.254")]
    public async Task Name_ThatLeadsToAPrivateAddress_IsNotConnectedTo(string address)
    {
        await using var receiver = WebhookReceiver.Answering(WebhookReceiver.Status(200), _certificate);
        await using var sink = Sink(
            $"https://rebound.example:{receiver.Port}/", isPrivateAllowed: false, ca: _certificate.ExportCertificatePem(),
            resolve: (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(address), IPAddress.Loopback]));
        var result = await sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation);
        Assert.Equal(SinkFailure.Transient, result.Failure);
        Assert.Contains("no public address", result.Reason, StringComparison.Ordinal);
        Assert.Equal(0, receiver.ConnectionCount);
    }

    [Theory]
    [InlineData("https://127.0.0.1")]
    [InlineData("https://[::1]")]
    [InlineData("https://[::ffff:7f00:1]")]
    [InlineData("https://2130706433")]
    [InlineData("https://0x7f.1")]
    [InlineData("https://localhost")]
    public async Task Literal_OfAPrivateAddress_IsNotConnectedTo(string url)
    {
        await using var receiver = WebhookReceiver.Answering(WebhookReceiver.Status(200), _certificate);
        await using var sink = Sink($"{url}:{receiver.Port}/", isPrivateAllowed: false);
        var result = await sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation);
        Assert.Equal(SinkFailure.Transient, result.Failure);
        Assert.Equal(0, receiver.ConnectionCount);
    }

    [Fact]
    public async Task Name_ThatIsReboundBetweenConnections_IsCheckedEachTime()
    {
        var answers = new Queue<IPAddress[]>([[IPAddress.Parse("192.0.2.1")], [IPAddress.Loopback]]);
        await using var receiver = WebhookReceiver.Answering(WebhookReceiver.Status(200), _certificate);
        await using var sink = Sink(
            $"https://rebound.example:{receiver.Port}/", isPrivateAllowed: false,
            resolve: (_, _) => Task.FromResult(answers.Dequeue()));
        for (var i = 0; i < 2; i++)
            Assert.Equal(SinkFailure.Transient, (await sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation)).Failure);
        Assert.Empty(answers);
        Assert.Equal(0, receiver.ConnectionCount);
    }

    [Fact]
    public async Task Certificate_ThatNobodyVouchesFor_IsRefused()
    {
        await using var receiver = WebhookReceiver.Answering(WebhookReceiver.Status(200), _certificate);
        using var other = TestCertificates.SelfSigned("localhost", TimeProvider.System.GetUtcNow());
        foreach (var ca in new[] { null, other.ExportCertificatePem(), "-----BEGIN CERTIFICATE-----\nAAAA\n" })
        {
            await using var sink = Sink(receiver.Url, ca: ca);
            var result = await sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation);
            Assert.Equal(SinkFailure.Transient, result.Failure);
            Assert.Contains("certificate", result.Reason, StringComparison.OrdinalIgnoreCase);
        }
        // A certificate for another name, of an authority that is trusted.
        await using var named = Sink(
            $"https://other.example:{receiver.Port}/", ca: _certificate.ExportCertificatePem(),
            resolve: static (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]));
        Assert.Equal(
            SinkFailure.Transient, (await named.DeliverAsync(StoredEvents.Several(1), "b", Cancellation)).Failure);
        Assert.Empty(receiver.Requests);
    }

    [Fact]
    public async Task Address_ThatNeverAnswers_LeavesTimeForTheNext()
    {
        await using var receiver = WebhookReceiver.Answering(WebhookReceiver.Status(200));
        // A listener whose queue is full takes no connection and refuses none.
        using var deaf = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream,
            System.Net.Sockets.ProtocolType.Tcp);
        deaf.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), receiver.Port));
        deaf.Listen(0);
        var fillers = new List<System.Net.Sockets.TcpClient>();
        for (var i = 0; i < 3; i++)
        {
            fillers.Add(new System.Net.Sockets.TcpClient());
            _ = fillers[i].ConnectAsync(IPAddress.Parse("127.0.0.2"), receiver.Port, Cancellation).AsTask();
        }
        await using var sink = Sink(
            $"http://two.example:{receiver.Port}/",
            resolve: static (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2"), IPAddress.Loopback]));
        var delivery = sink.DeliverAsync(StoredEvents.Several(1), "b", Cancellation).AsTask();
        await _time.WhenArmedAsync(TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(SinkResult.Done(1), await delivery.WaitAsync(TimeSpan.FromSeconds(60), Cancellation));
        foreach (var filler in fillers)
            filler.Dispose();
    }

    private WebhookSink Sink(
        string url,
        string? ca = null,
        bool isPrivateAllowed = true,
        Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        var policy = new SinkPolicy { FileDirectory = "/nowhere", AllowPrivateAddresses = isPrivateAllowed };
        var options = new WebhookOptions { Url = url, Secret = _secret, CaCertificates = ca };
        return new WebhookSink("factory", options, policy, _time, resolve);
    }
}
