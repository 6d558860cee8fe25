using Hubbub.Amqp.Performatives;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Amqp;

/// <summary>Who may attach what: deny by default, ids compared as they are, one text for every refusal.</summary>
public sealed class AuthorisationTests
{
    private static readonly string[] OfDevice1 = ["d1/events", "d1/c2d", "d1/methods>", "d1/methods<", "d1/twin>", "d1/twin<"];
    private static readonly string[] OfModule1 = ["d1/m1/events", "d1/m1/inputs", "d1/m1/c2d", "d1/m1/twin>"];
    private static readonly string[] OfServices = ["c2d", "feedback", "files", "hub-events", "p0", "p1"];
    private static readonly string[] OfReaders = ["hub-events", "p0", "p1"];

    /// <summary>Every address that a right is needed for, by a short name; '>' the client sends, '&lt;' it receives.</summary>
    private static Dictionary<string, (string Address, bool Sends)> Addresses(TestHub hub) => new()
    {
        ["d1/events"] = ("/devices/d1/messages/events", true),
        ["d1/c2d"] = ("/devices/d1/messages/devicebound", false),
        ["d1/methods>"] = ("/devices/d1/methods/devicebound", true),
        ["d1/methods<"] = ("/devices/d1/methods/devicebound", false),
        ["d1/twin>"] = ("/devices/d1/twin", true),
        ["d1/twin<"] = ("/devices/d1/twin", false),
        ["d2/events"] = ("/devices/d2/messages/events", true),
        ["d1/m1/events"] = ("/devices/d1/modules/m1/messages/events", true),
        ["d1/m1/inputs"] = ("/devices/d1/modules/m1/messages/events", false),
        ["d1/m1/c2d"] = ("/devices/d1/modules/m1/messages/devicebound", false),
        ["d1/m1/twin>"] = ("/devices/d1/modules/m1/twin", true),
        ["c2d"] = ("/messages/devicebound", true),
        ["feedback"] = ("/messages/serviceBound/feedback", false),
        ["files"] = ("/messages/serviceBound/filenotifications", false),
        ["hub-events"] = ("/messages/events/$management", false),
        ["p0"] = ($"{hub.Entity}/ConsumerGroups/$Default/Partitions/0", false),
        ["p1"] = ($"{hub.Entity}/ConsumerGroups/$Default/Partitions/1", false),
        ["send to entity"] = (hub.Entity, true),
        ["send to partition"] = ($"{hub.Entity}/Partitions/0", true),
        ["send to events"] = ("/messages/events", true),
    };

    public static TheoryData<string, string[]> Holders => new()
    {
        { "nobody", [] },
        { "device d1", OfDevice1 },
        { "device d2", ["d2/events"] },
        { "module d1/m1", OfModule1 },
        { "iothubowner", [.. OfDevice1, .. OfModule1, "d2/events", .. OfServices] },
        { "service", OfServices },
        { "device", [.. OfDevice1, .. OfModule1, "d2/events"] },
        { "registryRead", [] },
        { "registryReadWrite", [] },
        { "iothubowner /devices/d1", [.. OfDevice1, .. OfModule1] },
        { "device /devices", [.. OfDevice1, .. OfModule1, "d2/events"] },
        { "device /devices/d1", [.. OfDevice1, .. OfModule1] },
        { "device /devices/d", [] },
        { "device /devices/D1", [] },
        { "device /devices/d1/messages/events", ["d1/events"] },
        { "device /devices/d1/modules/m1", OfModule1 },
        { "device /devices/d1/modules/m1/messages/events", ["d1/m1/events", "d1/m1/inputs"] },
        { "device /messages/events", [] },
        { "service /messages", OfServices },
        { "service /messages/events", OfReaders },
        { "service /messages/devicebound", ["c2d"] },
        { "service /devices/d1", [] },
        { "service {entity}", OfReaders },
        { "service {entity}/ConsumerGroups/$Default/Partitions/0", ["p0"] },
    };

    [Theory]
    [MemberData(nameof(Holders))]
    public async Task Attach_IsLetInExactlyWhereTheRightReaches(string holder, string[] permitted)
    {
        await using var hub = await TestHub.StartAsync(partitions: 2);
        await Task.WhenAll(hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"));
        await hub.CreateModuleAsync("d1", "m1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        if (TokenOf(hub, holder) is { } token)
            Assert.Equal(200, (await cbs.PutAsync(token)).Status);

        var reached = new List<string>();
        var texts = new HashSet<string?>();
        foreach (var (name, (address, sends)) in Addresses(hub))
        {
            var link = sends ? await session.SenderAsync(address) : await session.ReceiverAsync(address);
            if (link.Refusal?.Condition.Value != ErrorCondition.UnauthorizedAccess)
                reached.Add(name);
            else if (!name.StartsWith("send", StringComparison.Ordinal) && name != "hub-events")
                texts.Add(link.Refusal.Description);
        }

        Assert.Equal(permitted.Order(), reached.Order());
        Assert.True(texts.Count <= 1, string.Join('\n', texts));
    }

    [Fact]
    public async Task Attach_AHundredDevicesToEachOther_IsRefusedWithOneText()
    {
        const int Count = 100;
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Count).Select(i => hub.CreateDeviceAsync($"d{i}")));
        var texts = new HashSet<string?>();
        var refused = 0;

        for (var i = 0; i < Count; i++)
        {
            var session = await hub.ConnectDeviceAsync($"d{i}");
            var attaches = new List<Task<PeerLink>>();
            for (var other = 0; other < Count; other++)
            {
                if (other != i)
                    attaches.Add(session.SenderAsync($"/devices/d{other}/messages/events"));
            }
            attaches.Add(session.SenderAsync("/devices/ghost/messages/events"));
            foreach (var link in await Task.WhenAll(attaches))
            {
                Assert.Equal(ErrorCondition.UnauthorizedAccess, link.Refusal?.Condition.Value);
                texts.Add(link.Refusal!.Description);
                refused++;
            }
            await session.TelemetryAsync($"d{i}");
            await session.Peer.DisposeAsync();
        }

        Assert.Equal(Count * Count, refused);
        Assert.Single(texts);
    }

    [Fact]
    public async Task Attach_AHundredIdentitiesOnOneConnection_EachReachesItsOwn()
    {
        const int Count = 100;
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, Count + 1).Select(i => hub.CreateDeviceAsync($"d{i}")));
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        for (var i = 0; i < Count; i++)
            Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken($"d{i}"))).Status);

        for (var i = 0; i < Count; i++)
        {
            var link = await session.TelemetryAsync($"d{i}");
            Assert.IsType<Accepted>(await link.SendAndWaitAsync(Values.Message("x")));
        }
        var other = await session.SenderAsync($"/devices/d{Count}/messages/events");
        Assert.Equal(ErrorCondition.UnauthorizedAccess, other.Refusal?.Condition.Value);
    }

    [Fact]
    public async Task Attach_NothingProven_EightLinksAreAllAndATokenLiftsThat()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectBareAsync();
        var cbs = await session.CbsAsync();
        for (var i = 0; i < 6; i++)
            Assert.Null((await session.ReceiverAsync("$management")).Refusal);

        var ninth = await session.SenderAsync("$management");
        Assert.Equal(ErrorCondition.UnauthorizedAccess, ninth.Refusal?.Condition.Value);
        Assert.Contains("8", ninth.Refusal!.Description, StringComparison.Ordinal);
        await cbs.PutAsync(hub.DeviceToken("d1"));

        Assert.Null((await session.SenderAsync("$management")).Refusal);
    }

    [Theory]
    [InlineData("/devices/d1/messages/events")]
    [InlineData("devices/d1/messages/events")]
    [InlineData("/Devices/d1/MESSAGES/Events")]
    [InlineData("/devices/d1/messages/events/")]
    [InlineData("/devices/%641/messages/events")]
    [InlineData("amqps://hub1.example.net/devices/d1/messages/events")]
    [InlineData("amqps://hub1.example.net:5671/devices/d1/messages/events")]
    [InlineData("amqps://some.gateway:5671/devices/d1/messages/events")]
    [InlineData("/devices/d1/messages/events?api-version=2016-11-14")]
    public async Task Address_AnySpelling_ReachesTheDevicesLink(string address)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");

        var link = await session.SenderAsync(address);

        Assert.Null(link.Refusal);
        Assert.Equal(address, Values.TextOf(((Target)link.Reply.Target!).Address!.Value));
    }

    [Theory]
    [InlineData("50%25", "/devices/50%25/messages/events")]
    [InlineData("50%25", "/devices/50%2525/messages/events")]
    [InlineData("a%b", "/devices/a%b/messages/events")]
    [InlineData("a%20b", "/devices/a%20b/messages/events")]
    [InlineData("a%2Fb", "/devices/a%2Fb/messages/events")]
    [InlineData("a%b", "/devices/a%25b/messages/events")]
    [InlineData("a:b@c", "/devices/a%3Ab%40c/messages/events")]
    public async Task Address_OfAnIdWithAPercentSign_IsReadAsTheRegisteredOne(string deviceId, string address)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync(deviceId);
        var session = await hub.ConnectServiceAsync("device");

        var link = await session.SenderAsync(address);

        Assert.Null(link.Refusal);
    }

    [Theory]
    [InlineData("m%41", "/devices/d1/modules/m%41/messages/events")]
    [InlineData("m%41", "/devices/d1/modules/m%2541/messages/events")]
    [InlineData("m%20", "/devices/%641/modules/m%2520/messages/events")]
    [InlineData("mA", "/devices/d1/modules/m%41/messages/events")]
    public async Task Address_OfAModuleWithAPercentSign_IsReadAsTheRegisteredOne(string moduleId, string address)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        await hub.CreateModuleAsync("d1", moduleId);
        var session = await hub.ConnectServiceAsync("device");

        var link = await session.SenderAsync(address);

        Assert.Null(link.Refusal);
    }

    [Theory]
    [InlineData("/devices/D1/messages/events")]
    [InlineData("/devices/d1/../d2/messages/events")]
    [InlineData("/devices/d2/../d1/messages/events")]
    [InlineData("/devices/./d2/messages/events")]
    [InlineData("/devices/d1%2f..%2fd2/messages/events")]
    [InlineData("/devices/d1%2Fmessages%2Fevents")]
    [InlineData("/devices/%2e%2e/messages/events")]
    [InlineData("/devices/d2%00/messages/events")]
    [InlineData("/devices//messages/events")]
    [InlineData("/devices/d1/modules/m1/messages/events")]
    [InlineData("/devices/d10/messages/events")]
    [InlineData("/devices/d/messages/events")]
    [InlineData("/devices/d2?/devices/d1/messages/events")]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("amqps://hub1.example.net")]
    [InlineData("a/b/c/d/e/f/g/h/i/j/k/l")]
    public async Task Address_OfAnotherOrOfNothing_IsRefusedAndTheSessionGoesOn(string address)
    {
        await using var hub = await TestHub.StartAsync();
        await Task.WhenAll(
            hub.CreateDeviceAsync("d1"), hub.CreateDeviceAsync("d2"), hub.CreateDeviceAsync("d"), hub.CreateDeviceAsync("d10"));
        var session = await hub.ConnectDeviceAsync("d1");

        var link = await session.SenderAsync(address);

        Assert.NotNull(link.Refusal);
        Assert.Contains(
            link.Refusal.Condition.Value, new[] { ErrorCondition.UnauthorizedAccess, ErrorCondition.NotFound });
        await hub.Log.WhenLoggedAsync($"{session.Peer.Id}: link '{link.Name}'", "refused", link.Refusal.Description!);
        var good = await session.TelemetryAsync("d1");
        Assert.IsType<Accepted>(await good.SendAndWaitAsync(Values.Message("x")));
    }

    [Fact]
    public async Task Address_Of60Kilobytes_IsRefused()
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");

        var link = await session.SenderAsync($"/devices/{new string('x', 60_000)}/messages/events");

        Assert.Equal(ErrorCondition.NotFound, link.Refusal?.Condition.Value);
        Assert.True(link.Refusal!.Description!.Length < 2_000);
        await session.PingAsync();
    }

    [Theory]
    [InlineData("no target", ErrorCondition.InvalidField)]
    [InlineData("no address", ErrorCondition.InvalidField)]
    [InlineData("address is a symbol", ErrorCondition.InvalidField)]
    [InlineData("coordinator", ErrorCondition.NotImplemented)]
    [InlineData("dynamic", ErrorCondition.NotImplemented)]
    [InlineData("unsettled", ErrorCondition.NotImplemented)]
    public async Task Terminus_ThatCannotBe_IsRefusedWithItsCondition(string what, string condition)
    {
        await using var hub = await TestHub.StartAsync();
        await hub.CreateDeviceAsync("d1");
        var session = await hub.ConnectDeviceAsync("d1");
        var good = new Attach
        {
            Name = "odd",
            Handle = session.NewHandle(),
            Role = Role.Sender,
            Source = new Source(),
            Target = new Target { Address = "/devices/d1/messages/events".ToValue() },
            InitialDeliveryCount = 0,
        };

        var link = await session.AttachAsync(what switch
        {
            "no target" => good with { Target = null },
            "no address" => good with { Target = new Target() },
            "address is a symbol" => good with
            {
                Target = new Target
                {
                    Address = Hubbub.Amqp.Codec.AmqpValue.From(new Hubbub.Amqp.Codec.Symbol("/devices/d1/messages/events")),
                },
            },
            "coordinator" => good with { Target = new Coordinator() },
            "dynamic" => good with { Target = new Target { Dynamic = true } },
            _ => good with { Unsettled = new Hubbub.Amqp.Codec.AmqpMapBuilder().Add("tag", (string?)null).Build() },
        });

        Assert.Equal(condition, link.Refusal?.Condition.Value);
        await session.TelemetryAsync("d1");
    }

    private static string? TokenOf(TestHub hub, string holder)
    {
        var parts = holder.Split(' ', 2);
        return (parts[0], parts.ElementAtOrDefault(1)) switch
        {
            ("nobody", _) => null,
            ("device", "d1" or "d2") => hub.DeviceToken(parts[1]),
            ("module", _) => hub.ModuleToken("d1", "m1"),
            (var policy, null) => hub.PolicyToken(policy),
            (var policy, var path) => hub.PolicyToken(policy, path.Replace("{entity}", "/" + hub.Entity, StringComparison.Ordinal)),
        };
    }
}
