using Amqp;
using Amqp.Framing;
using Amqp.Types;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>
/// Every settle mode with every outcome, by two clients that are nobody's SDK: NuGet's AMQPNetLite and Debian's
/// python3-qpid-proton.
/// </summary>
public sealed class CommandSettleTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Sender's mode (none: mixed), receiver's mode, what the device says, what follows.</summary>
    public static readonly TheoryData<string, string, string, string> Table = new(
        from send in new[] { "unsettled", "mixed" }
        from receive in new[] { "first", "second" }
        from outcome in new[]
        {
            ("accepted", "Success"), ("rejected", "Rejected"), ("undeliverable", "Rejected"),
            ("released", "again 1"), ("failed", "again 1"), ("modified", "again 0"),
        }
        select (send, receive, outcome.Item1, outcome.Item2));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Table))]
    public async Task NetLite_SaysAnOutcome_ItIsDone(string send, string receive, string outcome, string follows)
    {
        var (device, service) = await NewDeviceAsync($"netlite-{send}-{receive}-{outcome}");
        await using (service)
        {
            await using var peer = await NetLitePeer.OpenDeviceAsync(own.Hub, device);
            var link = OpenReceiver(peer, device.CommandAddress, send, receive);
            await service.SendAsync(device.CommandAddress, "m");

            var message = await ReceiveAsync(link);
            Say(link, message, outcome);

            if (follows.StartsWith("again", StringComparison.Ordinal))
            {
                message = await ReceiveAsync(link);
                Assert.Equal(follows, $"again {message.MessageAnnotations[new Symbol("iothub-deliverycount")]}");
                link.Accept(message);
                follows = "Success";
            }
            Assert.Equal([$"m {follows}"], await service.FeedbackAsync(1));
        }
    }

    [Fact]
    public async Task NetLite_Receives_TheTypesThatSdksCastTo()
    {
        var (device, service) = await NewDeviceAsync("netlite-types");
        await using (service)
        {
            await using var peer = await NetLitePeer.OpenDeviceAsync(own.Hub, device, tls: true);
            var link = OpenReceiver(peer, device.CommandAddress, "mixed", "first");
            await service.SendAsync(device.CommandAddress, "m");

            var message = await ReceiveAsync(link);

            var annotations = message.MessageAnnotations.Map;
            Assert.IsType<ulong>(annotations[new Symbol("x-opt-sequence-number")]);
            Assert.IsType<DateTime>(annotations[new Symbol("iothub-enqueuedtime")]);
            Assert.IsType<byte>(annotations[new Symbol("iothub-deliverycount")]);
            Assert.Equal(new Guid(message.DeliveryTag), Guid.Parse((string)annotations[new Symbol("x-opt-lock-token")]));
            Assert.Equal(device.CommandAddress, message.Properties.To);
            Assert.Equal("°C", message.ApplicationProperties["unit"]);
            Assert.IsType<Data>(message.BodySection);
            link.Accept(message);
            await service.FeedbackAsync(1);
        }
    }

    [Fact]
    public async Task NetLite_AsksForSettledCommands_ReceivingIsCompletion()
    {
        var (device, service) = await NewDeviceAsync("netlite-settled");
        await using (service)
        {
            await using var peer = await NetLitePeer.OpenDeviceAsync(own.Hub, device);
            var link = OpenReceiver(peer, device.CommandAddress, "settled", "first");
            await service.SendAsync(device.CommandAddress, "m");

            Assert.Equal("m", (await ReceiveAsync(link)).Properties.MessageId);

            Assert.Equal(["m Success"], await service.FeedbackAsync(1));
        }
    }

    [Fact]
    public async Task NetLite_AsAModule_GetsItsOwnCommandsOnly()
    {
        var (device, service) = await NewDeviceAsync("netlite-module");
        await using (service)
        {
            var key = await own.Hub.CreateModuleAsync(device, "pump", Cancellation);
            var module = device with { Id = $"{device.Id}/modules/pump", Key = key };
            await using var peer = await NetLitePeer.OpenDeviceAsync(own.Hub, module);
            var link = OpenReceiver(peer, module.CommandAddress, "mixed", "first");

            await service.SendAsync(device.CommandAddress, "device's");
            await service.SendAsync(module.CommandAddress, "module's");

            var message = await ReceiveAsync(link);
            Assert.Equal("module's", message.Properties.MessageId);
            link.Accept(message);
            Assert.Equal(["module's Success"], await service.FeedbackAsync(1));
        }
    }

    [Fact]
    public async Task NetLite_SecondReceiver_TakesOverWithWhatTheFirstHeld()
    {
        var (device, service) = await NewDeviceAsync("netlite-takeover");
        await using (service)
        {
            await using var first = await NetLitePeer.OpenDeviceAsync(own.Hub, device);
            var older = OpenReceiver(first, device.CommandAddress, "mixed", "first");
            var detached = new TaskCompletionSource<Error>(TaskCreationOptions.RunContinuationsAsynchronously);
            older.AddClosedCallback((_, error) => detached.TrySetResult(error));
            await service.SendAsync(device.CommandAddress, "m");
            await ReceiveAsync(older);
            await using var second = await NetLitePeer.OpenDeviceAsync(own.Hub, device);

            var newer = OpenReceiver(second, device.CommandAddress, "mixed", "first");

            var message = await ReceiveAsync(newer);
            Assert.Equal((byte)0, message.MessageAnnotations[new Symbol("iothub-deliverycount")]);
            newer.Accept(message);
            Assert.Equal(["m Success"], await service.FeedbackAsync(1));
            var error = await detached.Task.WaitAsync(Patience, Cancellation);
            Assert.Equal("amqp:internal-error", error.Condition);
            Assert.Contains("Another AMQP Client has opened a Receive Link", error.Description, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("unsettled", "first", false)]
    [InlineData("unsettled", "second", true)]
    [InlineData("mixed", "first", true)]
    [InlineData("mixed", "second", false)]
    public async Task Proton_SaysEveryOutcome_EachIsDone(string send, string receive, bool tls)
    {
        var (device, service) = await NewDeviceAsync($"proton-{send}-{receive}");
        await using (service)
        {
            foreach (var id in new[] { "a", "b", "c", "d" }) await service.SendAsync(device.CommandAddress, id);

            // What is given back comes at once, in its old place: before what was not yet sent, behind what was.
            string[] outcomes = ["accepted", "rejected", "undeliverable", "released", "failed", "modified", "accepted"];
            var output = await RunProtonAsync(device, send, receive, tls, outcomes);

            var attached = output.WithoutErrors().One("attached");
            Assert.Equal((send, receive), (attached.Text("send"), attached.Text("receive")));
            var commands = output.Of("command");
            Assert.Equal(
                ["a 0", "b 0", "c 0", "d 0", "d 1", "d 2", "d 2"],
                commands.Select(line => $"{line.Text("id")} {line.Number("deliveryCount")}"));
            Assert.All(commands, line => Assert.Equal("False", $"{line.GetProperty("settled").GetBoolean()}"));
            Assert.Equal("ulong", commands[0].Of("types", "x-opt-sequence-number"));
            Assert.Equal("timestamp", commands[0].Of("types", "iothub-enqueuedtime"));
            Assert.Equal("ubyte", commands[0].Of("types", "iothub-deliverycount"));
            Assert.Equal("str", commands[0].Of("types", "x-opt-lock-token"));
            Assert.Equal(device.CommandAddress, commands[0].Text("to"));
            Assert.Equal("°C", commands[0].Of("properties", "unit"));
            var answers = output.Of("answered").Select(line => $"{line.Text("state")} {line.GetProperty("settled").GetBoolean()}");
            Assert.Equal(receive == "second" ? Enumerable.Repeat("ACCEPTED True", outcomes.Length) : [], answers);
            Assert.Equal(
                ["a Success", "b Rejected", "c Rejected", "d Success"],
                (await service.FeedbackAsync(4)).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Proton_AsksForSettledCommands_ReceivingIsCompletion()
    {
        var (device, service) = await NewDeviceAsync("proton-settled");
        await using (service)
        {
            await service.SendAsync(device.CommandAddress, "m");

            var output = await RunProtonAsync(device, "settled", "first", tls: false, ["none"]);

            Assert.True(output.WithoutErrors().One("command").GetProperty("settled").GetBoolean());
            Assert.Equal(["m Success"], await service.FeedbackAsync(1));
        }
    }

    private static ReceiverLink OpenReceiver(NetLitePeer peer, string address, string send, string receive)
    {
        var link = new ReceiverLink(
            peer.Session,
            "commands",
            new Attach
            {
                Source = new Source { Address = address },
                Target = new Target(),
                SndSettleMode = send switch
                {
                    "unsettled" => SenderSettleMode.Unsettled,
                    "settled" => SenderSettleMode.Settled,
                    _ => SenderSettleMode.Mixed,
                },
                RcvSettleMode = receive == "second" ? ReceiverSettleMode.Second : ReceiverSettleMode.First,
            },
            null);
        link.SetCredit(10);
        return link;
    }

    private static async Task<Message> ReceiveAsync(ReceiverLink link) =>
        await link.ReceiveAsync(Patience) ?? throw new TimeoutException("no command came");

    private static void Say(ReceiverLink link, Message message, string outcome)
    {
        switch (outcome)
        {
            case "accepted":
                link.Accept(message);
                break;
            case "rejected":
                link.Reject(message);
                break;
            case "released":
                link.Release(message);
                break;
            default:
                link.Modify(message, outcome == "failed", outcome == "undeliverable");
                break;
        }
    }

    private async Task<(TestDevice Device, CommandPeer Service)> NewDeviceAsync(string name) =>
        (await own.Hub.CreateDeviceAsync(name, Cancellation), await CommandPeer.OpenAsync(own.Hub));

    private Task<ClientOutput> RunProtonAsync(TestDevice device, string send, string receive, bool tls, string[] outcomes)
    {
        var up = own.Hub.Up;
        return ClientProcess.RunAsync(ClientScript.ProtonCommands, own.Hub, new
        {
            url = tls ? $"amqps://{own.Hub.Host}:{up.Ports.Amqps}" : $"amqp://{own.Hub.Host}:{up.Ports.Amqp}",
            ca = tls ? up.CaCertificate : null,
            user = device.Plain.User,
            device = new { id = device.Id, key = device.Key, resource = device.Resource },
            address = device.CommandAddress,
            send,
            receive,
            outcomes,
        });
    }
}
