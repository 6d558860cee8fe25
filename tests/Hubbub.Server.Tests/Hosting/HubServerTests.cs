using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Hubbub.Server.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hubbub.Server.Tests.Hosting;

public sealed class HubServerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Start_Ready_TellsTheOwnerOnlyAndTakesItBackAtStop()
    {
        await using var hub = await TestHub.StartAsync();
        var path = HubFile.PathIn(hub.Data);

        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        var file = HubFile.Read(hub.Data)!;
        Assert.Equal(hub.Server.Ports, file.Ports);
        Assert.Equal(Environment.ProcessId, file.Pid);
        Assert.True(File.Exists(file.CaCertificate));

        await hub.Server.StopAsync();
        Assert.False(File.Exists(path));
        Assert.Null(HubFile.Read(hub.Data));
    }

    [Fact]
    public async Task Description_AsJson_HasTheNamesThatOtherToolsRelyOn()
    {
        await using var hub = await TestHub.StartAsync();

        var line = (hub.Server.Description with { Pid = null, ReadyMs = 12 }).ToJson();

        Assert.DoesNotContain('\n', line);
        using var json = JsonDocument.Parse(line);
        Assert.Equal(
            ["hostName", "ports", "caCertificate", "connectionStrings", "eventHubs", "data", "readyMs"],
            json.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Equal(
            ["amqps", "https", "amqp"],
            json.RootElement.GetProperty("ports").EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public async Task Health_Running_AnswersOk()
    {
        await using var hub = await TestHub.StartAsync();
        using var http = hub.MakeHttpClient();

        using var response = await http.GetAsync("/healthz", Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("ok\n", await response.Content.ReadAsStringAsync(Cancellation));
        Assert.False(response.Headers.Contains("Server"));
    }

    [Fact]
    public async Task Health_DataDirectoryGone_AnswersUnavailable()
    {
        await using var hub = await TestHub.StartAsync();
        using var http = hub.MakeHttpClient();
        var moved = hub.Data + ".moved";
        Directory.Move(hub.Data, moved);

        using var response = await http.GetAsync("/healthz", Cancellation);

        Directory.Move(moved, hub.Data);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
    }

    [Fact]
    public async Task Metrics_Scraped_HoldTheHubsOwn()
    {
        await using var hub = await TestHub.StartAsync();
        using var http = hub.MakeHttpClient();

        var text = await http.GetStringAsync("/metrics", Cancellation);

        Assert.Contains("hubbub_amqp_connections_open", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/$iothub/websocket")]
    [InlineData("/$iothub/websocket?iothub-no-client-cert=true")]
    [InlineData("/$servicebus/websocket")]
    [InlineData("/$servicebus/websocket/")]
    [InlineData("/$ServiceBus/WebSocket/")]
    public async Task WebSocket_KnownPath_SelectsTheSubprotocol(string path)
    {
        await using var hub = await TestHub.StartAsync();
        using var client = MakeWebSocket("AMQPWSB10");

        await ConnectAsync(hub, client, path);

        Assert.Equal("AMQPWSB10", client.SubProtocol);
    }

    [Fact]
    public async Task WebSocket_HeaderInTwoMessages_IsAnswered()
    {
        await using var hub = await TestHub.StartAsync();
        using var client = MakeWebSocket("AMQPWSB10");
        await ConnectAsync(hub, client, "/$iothub/websocket");
        byte[] header = [.. "AMQP"u8, 0, 1, 0, 0];

        await client.SendAsync(header.AsMemory(0, 3), WebSocketMessageType.Binary, true, Cancellation);
        await client.SendAsync(header.AsMemory(3), WebSocketMessageType.Binary, true, Cancellation);

        var answer = new byte[8];
        for (var read = 0; read < answer.Length;)
            read += (await client.ReceiveAsync(answer.AsMemory(read), Cancellation)).Count;
        Assert.Equal(header, answer);
    }

    [Fact]
    public async Task Stop_OpenConnections_EndsThemAndReturns()
    {
        await using var hub = await TestHub.StartAsync();
        using var client = MakeWebSocket("AMQPWSB10");
        await ConnectAsync(hub, client, "/$iothub/websocket");
        await using var tls = await hub.ConnectTlsAsync(hub.Server.Ports.Amqps);
        byte[] header = [.. "AMQP"u8, 0, 1, 0, 0];
        await tls.WriteAsync(header, Cancellation);
        await tls.ReadExactlyAsync(new byte[8], Cancellation);

        var stopping = hub.Server.StopAsync();
        var ended = await client.ReceiveAsync(new byte[4096].AsMemory(), Cancellation);
        while (ended.MessageType != WebSocketMessageType.Close)
            ended = await client.ReceiveAsync(new byte[4096].AsMemory(), Cancellation);
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Cancellation);
        while (await tls.ReadAsync(new byte[4096], Cancellation) > 0)
        {
            // Whatever the hub has to say before it goes.
        }

        await stopping;
    }

    [Fact]
    public async Task WebSocket_OtherSubprotocol_IsRefused()
    {
        await using var hub = await TestHub.StartAsync();
        using var client = MakeWebSocket("mqtt");

        await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(hub, client, "/$iothub/websocket"));

        Assert.Equal(HttpStatusCode.BadRequest, client.HttpStatusCode);
    }

    [Fact]
    public async Task WebSocket_OtherPath_IsNotThere()
    {
        await using var hub = await TestHub.StartAsync();
        using var client = MakeWebSocket("AMQPWSB10");

        await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(hub, client, "/$iothub/websocket/x"));
    }

    [Fact]
    public async Task WebSocketPath_PlainRequest_SaysWhatItSpeaks()
    {
        await using var hub = await TestHub.StartAsync();
        using var http = hub.MakeHttpClient();

        using var response = await http.GetAsync("/$iothub/websocket", Cancellation);

        Assert.Equal(HttpStatusCode.UpgradeRequired, response.StatusCode);
        Assert.Contains("AMQPWSB10", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_SecondHubInTheSamePlace_IsRefusedAndTheFirstGoesOn()
    {
        await using var hub = await TestHub.StartAsync();
        var options = hub.Server.Options with { AmqpsPort = 0, HttpsPort = 0, AmqpPort = 0 };

        await Assert.ThrowsAsync<HubStartException>(
            () => HubServer.StartAsync(options, TimeProvider.System, NullLoggerFactory.Instance, Cancellation));

        Assert.NotNull(HubFile.Read(hub.Data));
        using var http = hub.MakeHttpClient();
        Assert.Equal("ok\n", await http.GetStringAsync("/healthz", Cancellation));
    }

    [Theory]
    [InlineData("https://hub.example.org")]
    [InlineData("hub.example.org:443")]
    [InlineData("")]
    [InlineData("::1")]
    public void Options_NoHostName_AreRefused(string name) =>
        Assert.NotNull(new HubOptions { DataDirectory = "x", HostNames = [name] }.Validate());

    [Fact]
    public void Options_SamePortTwice_AreRefused() =>
        Assert.NotNull(new HubOptions { DataDirectory = "x", AmqpsPort = 443 }.Validate());

    [Fact]
    public void Options_Defaults_AreFine() => Assert.Null(new HubOptions { DataDirectory = "x" }.Validate());

    private static ClientWebSocket MakeWebSocket(string subProtocol)
    {
        var client = new ClientWebSocket();
        client.Options.AddSubProtocol(subProtocol);
        client.Options.CollectHttpResponseDetails = true;
        return client;
    }

    private static async Task ConnectAsync(TestHub hub, ClientWebSocket client, string path)
    {
        using var handler = new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = hub.TrustHub() } };
        using var invoker = new HttpMessageInvoker(handler);
        await client.ConnectAsync(new Uri($"wss://localhost:{hub.Server.Ports.Https}{path}"), invoker, Cancellation);
    }
}
