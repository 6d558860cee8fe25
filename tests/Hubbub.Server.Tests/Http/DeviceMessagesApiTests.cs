using System.Net;
using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Commands;
using Hubbub.Core.Events;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Hubbub.Server.Amqp;
using Hubbub.Server.Messages;
using Hubbub.Server.Tests.Amqp.Harness;
using Hubbub.Server.Tests.Routing;

namespace Hubbub.Server.Tests.Http;

public sealed class DeviceMessagesApiTests
{
    private const string Events = "/devices/d1/messages/events";
    private const string Commands = "/devices/d1/messages/deviceBound";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Event_WithEveryHeader_IsStoredAsItWouldBeOverAmqp()
    {
        await using var hub = await ApiHost.StartAsync();
        var (device, token) = await CreateAsync(hub);

        using var answer = await hub.SendForResponseAsync(
            "POST", $"{Events}?api-version=2020-09-30", "{\"t\":1}", token,
            ("iothub-app-Level", "high"), ("IoTHub-MessageId", "m-1"), ("iothub-correlationid", "c-1"), ("iothub-userid", "u"),
            ("iothub-to", "/x"), ("iothub-expiry", "2026-03-02T00:00:00Z"), ("iothub-contenttype", "application/json"),
            ("iothub-contentencoding", "utf-8"), ("iothub-ack", "full"), ("iothub-messageschema", "s"),
            ("iothub-creationtimeutc", "2026-03-01T11:00:00.0000000Z"), ("dt-subject", "sub"), ("iothub-interface-id", "urn:x"));

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync(Cancellation));
        var stored = Assert.Single(ReadEvents(hub));
        Assert.Equal("{\"t\":1}", stored.Body);
        Assert.Equal("m-1 c-1 u /x application/json utf-8 2026-03-02", stored.Properties);
        Assert.Equal(
            ["Level=high", "iothub-ack=full", "iothub-creation-time-utc=2026-03-01T11:00:00.0000000Z", "iothub-message-schema=s"],
            stored.Application);
        Assert.Contains("dt-subject=sub", stored.Annotations);
        Assert.Contains("iothub-interface-id=urn:x", stored.Annotations);
        Assert.Contains("iothub-connection-device-id=d1", stored.Annotations);
        Assert.Contains($"iothub-connection-auth-generation-id={device.GenerationId}", stored.Annotations);
        Assert.Contains("iothub-message-source=Telemetry", stored.Annotations);
        Assert.Contains(stored.Annotations, a => a.Contains("\"scope\":\"device\",\"type\":\"sas\"", StringComparison.Ordinal));
        Assert.Equal(hub.Time.GetUtcNow(), hub.Presence.StateOf("d1", null).ActiveAt);
        Assert.False(hub.Presence.StateOf("d1", null).IsConnected);
    }

    [Fact]
    public async Task Batch_IsAnEventEach_InItsOrder()
    {
        await using var hub = await ApiHost.StartAsync();
        var (_, token) = await CreateAsync(hub);
        var base64 = Convert.ToBase64String(Encoding.UTF8.GetBytes("encoded"));

        using var answer = await SendBatchAsync(hub, token, $$"""
            [
              {"body":"{{base64}}"},
              {"body":"plain \u00e9","base64Encoded":false,"properties":{"iothub-messageid":"m2","iothub-app-a":"1","b":2,"c":null,"iothub-unknown":"x"} },
              {"properties":{"iothub-contenttype":"text/plain"} }
            ]
            """);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        var stored = ReadEvents(hub);
        Assert.Equal(["encoded", "plain \u00e9", ""], stored.Select(e => e.Body));
        Assert.Equal(["a=1", "b=2"], stored[1].Application);
        Assert.StartsWith("m2", stored[1].Properties, StringComparison.Ordinal);
        Assert.Equal("text/plain", stored[2].Properties.Trim());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("[null]")]
    [InlineData("[{\"body\":\"a\"},{\"body\":\"not base64!\"}]")]
    [InlineData("[{\"body\":\"YQ==\"},{\"properties\":{\"a\":[1]}}]")]
    [InlineData("[{\"body\":\"YQ==\",\"properties\":{\"iothub-expiry\":\"soon\"}}]")]
    [InlineData("[{\"body\":\"YQ==\",\"properties\":{\"iothub-app-iothub-ack\":\"a\",\"iothub-ack\":\"b\"}}]")]
    public async Task Batch_ThatIsWrongInAnyPart_IsRefusedAsAWhole(string body)
    {
        await using var hub = await ApiHost.StartAsync();
        var (_, token) = await CreateAsync(hub);

        using var answer = await SendBatchAsync(hub, token, body);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("ArgumentInvalid", answer.Headers.GetValues("iothub-errorcode").Single());
        Assert.Empty(ReadEvents(hub));
    }

    [Fact]
    public async Task Event_BeyondTheSizeOfAMessage_Is413001_AndTheGreatestIsTaken()
    {
        await using var hub = await ApiHost.StartAsync();
        var (_, token) = await CreateAsync(hub);

        var tooLarge = await hub.SendAsync("POST", Events, new string('x', 262_145), token: token);
        Assert.Equal((413, "MessageTooLarge"), (tooLarge.Status, tooLarge.ErrorCode));
        Assert.Equal(204, (await hub.SendAsync("POST", Events, new string('x', 262_144), token: token)).Status);
        using var batch = await SendBatchAsync(
            hub, token, $"[{string.Join(',', Enumerable.Repeat("""{"body":"YQ=="}""", 501))}]");
        Assert.Equal("MessageTooLarge", batch.Headers.GetValues("iothub-errorcode").Single());
        Assert.Single(ReadEvents(hub));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Event_WhileAStreamOfItsRoutesIsBehind_WaitsBeforeItIsAppended(bool isBuiltIn)
    {
        await using var hub = await ApiHost.StartAsync();
        var (_, token) = await CreateAsync(hub);
        var (events, other) = (new ScriptedLog(1), new ScriptedLog(1));
        hub.Routing.Router.Switch(RoutedCommitTests.State(toBoth: true, events, other));
        var behind = isBuiltIn ? events[0] : other[0];
        behind.Saturate();

        var answer = hub.SendAsync("POST", Events, "x", token: token);
        await behind.WhenHeldBackAsync();
        Assert.Equal((0, 0), (events[0].Count, other[0].Count));
        behind.Relieve();
        await other[0].WhenAppendedAsync(1);
        events[0].Commit();
        other[0].Commit();

        Assert.Equal(204, (await answer).Status);
    }

    [Fact]
    public async Task Event_OnlyOfTheDeviceItself_OrAPolicyForDevices()
    {
        await using var hub = await ApiHost.StartAsync();
        var (device, own) = await CreateAsync(hub);
        await hub.Registry.CreateDeviceAsync(new() { DeviceId = "d10" }, Cancellation);
        var key = device.Authentication.Keys!.Secondary;

        Assert.Equal(204, (await hub.SendAsync("POST", Events, "x", token: hub.Token(key, $"{ApiHost.HostName}/devices/d1/messages/events"))).Status);
        Assert.Equal(204, (await hub.SendAsync("POST", Events, "x", token: hub.Token(AccessPolicies.Device))).Status);
        foreach (var token in new[]
        {
            hub.Token(AccessPolicies.Service), hub.Token(AccessPolicies.RegistryReadWrite),
            hub.Token(key, $"{ApiHost.HostName}/devices/d1/messages/deviceBound"),
            hub.Token(AccessPolicies.Device, $"{ApiHost.HostName}/devices/d10"),
        })
        {
            var refused = await hub.SendAsync("POST", Events, "x", token: token);
            Assert.Equal((401, "IotHubUnauthorizedAccess"), (refused.Status, refused.ErrorCode));
        }
        Assert.Equal(401, (await hub.SendAsync("POST", "/devices/d10/messages/events", "x", token: own)).Status);
        Assert.Equal(404, (await hub.SendAsync("POST", "/devices/nosuch/messages/events", "x", token: hub.Token(AccessPolicies.Device))).Status);
        await hub.Registry.UpdateDeviceAsync(
            new() { DeviceId = "d1", Status = DeviceStatus.Disabled }, IfMatch.Any, Cancellation);
        foreach (var token in new[] { own, hub.Token(AccessPolicies.Device) })
            Assert.Equal(401, (await hub.SendAsync("POST", Events, "x", token: token)).Status);
    }

    [Fact]
    public async Task Command_SentAndReceived_KeepsItsPropertiesAndIsCompleted()
    {
        await using var hub = await ApiHost.StartAsync();
        var (_, token) = await CreateAsync(hub);

        using var sent = await hub.SendForResponseAsync(
            "POST", $"{Commands}?api-version=1", "open", hub.Token(AccessPolicies.Service), ("iothub-messageid", "m1"), ("iothub-ack", "full"),
            ("iothub-app-where", "door"), ("iothub-correlationid", "c1"), ("iothub-to", "/devices/other/messages/devicebound"),
            ("iothub-expiry", "2026-03-01T13:00:00Z"));
        Assert.Equal(HttpStatusCode.NoContent, sent.StatusCode);
        Assert.Equal(1, (await hub.SendAsync("GET", "/devices/d1")).Json.GetProperty("cloudToDeviceMessageCount").GetInt32());
        using var received = await hub.SendForResponseAsync("GET", $"{Commands}?api-version=1", token: token);

        Assert.Equal("open", await received.Content.ReadAsStringAsync(Cancellation));
        string Header(string name) => received.Headers.GetValues(name).Single();
        Assert.Equal(
            ("m1", "c1", "full", "door", "0", "/devices/d1/messages/devicebound"),
            (Header("iothub-messageid"), Header("iothub-correlationid"), Header("iothub-ack"), Header("iothub-app-where"),
                Header("iothub-deliverycount"), Header("iothub-to").ToLowerInvariant()));
        Assert.Equal("2026-03-01T12:00:00.0000000Z", Header("iothub-enqueuedtime"));
        Assert.Equal("2026-03-01T13:00:00.0000000Z", Header("iothub-expiry"));
        var lockToken = Header("ETag").Trim('"');
        Assert.Equal(204, (await hub.SendAsync("GET", Commands, token: token)).Status);
        Assert.Equal(204, (await hub.SendAsync("DELETE", $"{Commands}/{lockToken}", token: token)).Status);
        var again = await hub.SendAsync("DELETE", $"{Commands}/{lockToken}", token: token);
        Assert.Equal((412, "DeviceMessageLockLost"), (again.Status, again.ErrorCode));
        Assert.Equal(0, hub.Commands.CountOf(new CommandTarget("d1")));
        Assert.Equal(1, hub.Commands.Counters.Ended(CommandOutcome.Success));
    }

    [Theory]
    [InlineData("?reject", CommandOutcome.Rejected)]
    [InlineData("?reject=", CommandOutcome.Rejected)]
    [InlineData("?x=1&reject=true", CommandOutcome.Rejected)]
    [InlineData("", CommandOutcome.Success)]
    public async Task Command_DeletedWithOrWithoutReject_EndsSo(string query, CommandOutcome outcome)
    {
        await using var hub = await ApiHost.StartAsync();
        var (_, token) = await CreateAsync(hub);
        await hub.SendAsync("POST", Commands, "x");
        var lockToken = (await hub.SendAsync("GET", Commands, token: token)).ETag!.Trim('"');

        Assert.Equal(204, (await hub.SendAsync("DELETE", $"{Commands.ToLowerInvariant()}/{lockToken}{query}", token: token)).Status);

        Assert.Equal(1, hub.Commands.Counters.Ended(outcome));
    }

    [Fact]
    public async Task Command_AbandonedOrLeft_ComesAgain_AndOnlyAbandoningCounts()
    {
        await using var hub = await ApiHost.StartAsync();
        var (_, token) = await CreateAsync(hub);
        await hub.SendAsync("POST", Commands, "x");

        var first = (await hub.SendAsync("GET", Commands, token: token)).ETag!.Trim('"');
        Assert.Equal(204, (await hub.SendAsync("POST", $"{Commands}/{first}/abandon", token: token)).Status);
        Assert.Equal("1", await DeliveryCountAsync(hub, token, lockSeconds: "5"));
        Assert.Equal(204, (await hub.SendAsync("GET", Commands, token: token)).Status);
        hub.Time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("1", await DeliveryCountAsync(hub, token, lockSeconds: "300"));
        hub.Time.Advance(TimeSpan.FromSeconds(299));
        Assert.Equal(204, (await hub.SendAsync("GET", Commands, token: token)).Status);

        foreach (var wrong in new[] { "4", "301", "x", "-5" })
        {
            using var refused = await hub.SendForResponseAsync(
                "GET", $"{Commands}?api-version=1", token: token, headers: ("IotHub-MessageLockTimeout", wrong));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }
        Assert.Equal(412, (await hub.SendAsync("POST", $"{Commands}/no-such-lock/abandon", token: token)).Status);
    }

    [Fact]
    public async Task Command_LockedByHttp_StaysLocked_WhileAReceiverComesAndGoes()
    {
        await using var hub = await ApiHost.StartAsync();
        var (_, token) = await CreateAsync(hub);
        var target = new CommandTarget("d1");
        await hub.SendAsync("POST", Commands, "first");
        await hub.SendAsync("POST", Commands, "second");
        var lockToken = (await hub.SendAsync("GET", Commands, token: token)).ETag!.Trim('"');

        var receiver = new Receiver();
        hub.Commands.Attach(target, receiver);
        Assert.Single(await hub.Commands.ReceiveAsync(target, receiver, 10, Cancellation));
        hub.Commands.Attach(target, new Receiver());
        hub.Commands.Detach(target, receiver);

        Assert.Equal(204, (await hub.SendAsync("DELETE", $"{Commands}/{lockToken}", token: token)).Status);
        Assert.Equal(1, hub.Commands.CountOf(target));
        Assert.Equal(200, (await hub.SendAsync("DELETE", "/devices/d1/commands")).Status);
        Assert.Equal(0, hub.Commands.CountOf(target));
    }

    [Fact]
    public async Task Command_WhoseTextsNoHeaderCanHold_ComesWithThemEscaped()
    {
        await using var hub = await ApiHost.StartAsync();
        var (_, token) = await CreateAsync(hub);
        var message = new OutgoingMessage
        {
            Properties = new Properties { To = AmqpValue.From("/devices/d1/messages/devicebound"), MessageId = AmqpValue.From("a\r\nSet-Cookie: x=1") },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("na me:", "gr\u00fcn").Build(),
            Data = "b"u8.ToArray(),
        }.ToArray();
        Assert.True(MessageSections.TryRead(message, SectionOrder.Strict, out var sections, out _));
        var command = CommandMessage.Read(sections, hub.Core.Hub, hub.Registry).Value;
        Assert.Null(await hub.Commands.SendAsync(command, Cancellation));

        using var received = await hub.SendForResponseAsync("GET", $"{Commands}?api-version=1", token: token);

        Assert.Equal("a%0D%0ASet-Cookie%3A%20x%3D1", received.Headers.GetValues("iothub-messageid").Single());
        Assert.Equal("gr%C3%BCn", received.Headers.GetValues("iothub-app-na%20me%3A").Single());
        Assert.False(received.Headers.Contains("Set-Cookie"));
        Assert.Equal(["iothub-messageid", "iothub-app-na%20me%3A"], received.Headers.GetValues("Hubbub-Percent-Encoded").Single().Split(','));
    }

    [Fact]
    public async Task Command_WhoseTextsLookEscaped_ComesWithThemAsTheyAre()
    {
        await using var hub = await ApiHost.StartAsync();
        var (_, token) = await CreateAsync(hub);
        using var sent = await hub.SendForResponseAsync(
            "POST", $"{Commands}?api-version=1", "x", hub.Token(AccessPolicies.Service),
            ("iothub-messageid", "%41"), ("iothub-app-na%20me", "100%25"));

        using var received = await hub.SendForResponseAsync("GET", $"{Commands}?api-version=1", token: token);

        Assert.Equal("%41", received.Headers.GetValues("iothub-messageid").Single());
        // A name is always escaped where it has to be, and so in a way that leads back to it.
        Assert.Equal("100%25", received.Headers.GetValues("iothub-app-na%2520me").Single());
        Assert.False(received.Headers.Contains("Hubbub-Percent-Encoded"));
    }

    private static async Task<string> DeliveryCountAsync(ApiHost hub, string token, string lockSeconds)
    {
        using var received = await hub.SendForResponseAsync(
            "GET", $"{Commands}?api-version=1", token: token, headers: ("IotHub-MessageLockTimeout", lockSeconds));
        return received.Headers.GetValues("iothub-deliverycount").Single();
    }

    private static Task<HttpResponseMessage> SendBatchAsync(ApiHost hub, string token, string body) => hub.SendForResponseAsync(
        "POST", $"{Events}?api-version=1", body, token, ("Content-Type", "application/vnd.microsoft.iothub.json; charset=utf-8"));

    private static async Task<(DeviceIdentity Device, string Token)> CreateAsync(ApiHost hub)
    {
        var device = (await hub.Registry.CreateDeviceAsync(new() { DeviceId = "d1" }, Cancellation)).Value;
        return (device, hub.Token(device.Authentication.Keys!.Primary, $"{ApiHost.HostName}/devices/d1"));
    }

    private static List<StoredEvent> ReadEvents(ApiHost hub)
    {
        var events = new List<StoredEvent>();
        foreach (var partition in hub.Core.Events.Log.Partitions)
        {
            using var cursor = partition.Open(EventPosition.Earliest).Value;
            while (cursor.Load())
            {
                while (cursor.TryRead(out var view))
                {
                    using var buffer = new ByteBuffer();
                    EventWriter.Write(buffer, view);
                    events.Add(StoredEvent.Of(buffer.WrittenSpan.ToArray()));
                }
            }
        }
        return events;
    }

    private sealed record StoredEvent(string Body, string Properties, string[] Application, string[] Annotations)
    {
        public static StoredEvent Of(byte[] message)
        {
            Assert.True(MessageSections.TryRead(message, SectionOrder.Strict, out var sections, out _));
            var p = sections.ReadProperties() ?? new Properties();
            var body = new List<byte>();
            foreach (var data in sections.Data)
                body.AddRange(data.ToArray());
            return new StoredEvent(
                Encoding.UTF8.GetString([.. body]),
                $"{CommandMessage.IdText(p.MessageId)} {CommandMessage.IdText(p.CorrelationId)} {(p.UserId is { } u ? Encoding.UTF8.GetString(u.Span) : "")} "
                    + $"{CommandMessage.IdText(p.To)} {p.ContentType} {p.ContentEncoding} {p.AbsoluteExpiryTime?.ToDateTimeOffset():yyyy-MM-dd}",
                Texts(sections.ApplicationProperties),
                Texts(sections.MessageAnnotations));
        }

        private static string[] Texts(AmqpMap? map) => map is not { } present ? [] :
            [.. present.Select(e => $"{Text(e.Key)}={Text(e.Value)}").Order(StringComparer.Ordinal)];

        private static string Text(AmqpValue value) => value.TryGetString(out var text, orSymbol: true) ? text : value.ToString();
    }

    private sealed class Receiver : ICommandReceiver
    {
        public void OnCommandsReady()
        {
        }

        public void OnDisplaced(Hubbub.Core.HubError reason)
        {
        }
    }
}
