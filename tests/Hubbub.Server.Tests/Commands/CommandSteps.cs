using System.Text;
using System.Text.Json;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Server.Tests.Amqp.Harness;

namespace Hubbub.Server.Tests.Commands;

/// <summary>What tests of commands begin with, and the messages that they send.</summary>
internal static class CommandSteps
{
    public const string FeedbackAddress = "/messages/serviceBound/feedback";

    /// <summary>A hub with the device d1 and its module m1.</summary>
    public static async Task<TestHub> StartAsync()
    {
        var hub = await TestHub.StartAsync(partitions: 1);
        await hub.CreateDeviceAsync("d1");
        await hub.CreateModuleAsync("d1", "m1");
        return hub;
    }

    /// <summary>A service's link for commands, with the hub's credit.</summary>
    public static async Task<PeerLink> CommandsAsync(this TestHub hub, string address = "/messages/devicebound")
    {
        var session = await hub.ConnectServiceAsync();
        var link = await session.SenderAsync(address);
        Assert.Null(link.Refusal);
        var flow = await session.Peer.NextAsync<Flow>(f => f.Handle == link.Reply.Handle, session.Channel);
        Assert.True(flow.LinkCredit > 0);
        return link;
    }

    /// <summary>A device's link for its commands, with credit.</summary>
    public static async Task<PeerLink> CommandReceiverAsync(
        this PeerSession session, uint credit = 100, ReceiverSettleMode mode = ReceiverSettleMode.First,
        string address = "/devices/d1/messages/devicebound")
    {
        var link = await session.ReceiverAsync(address, change: a => a with { RcvSettleMode = mode });
        Assert.Null(link.Refusal);
        if (credit > 0)
            await link.CreditAsync(credit);
        return link;
    }

    /// <summary>A service's link for feedback, with credit.</summary>
    public static async Task<PeerLink> FeedbackAsync(
        this TestHub hub, uint credit = 100, ReceiverSettleMode mode = ReceiverSettleMode.First)
    {
        var session = await hub.ConnectServiceAsync();
        return await session.CommandReceiverAsync(credit, mode, FeedbackAddress);
    }

    public static byte[] Command(
        string messageId, string? to = "/devices/d1/messages/devicebound", string? ack = "full", string? body = null,
        Func<Properties, Properties>? change = null)
    {
        var properties = new Properties
        {
            MessageId = messageId.ToValue(),
            To = to is null ? null : to.ToValue(),
        };
        return new OutgoingMessage
        {
            Properties = change is null ? properties : change(properties),
            ApplicationProperties = ack is null ? null : new AmqpMapBuilder(MapKeyKind.String).Add("iothub-ack", ack).Build(),
            Data = Encoding.UTF8.GetBytes(body ?? $"body of {messageId}"),
        }.ToArray();
    }

    /// <summary>Tells the state of what was received.</summary>
    public static Task SettleAsync(this PeerLink link, ReceivedMessage message, DeliveryState? state, bool settled = true) =>
        link.Session.Peer.SendAsync(link.Session.Channel, new Disposition
        {
            Role = Role.Receiver,
            First = message.Transfer.DeliveryId!.Value,
            Settled = settled,
            State = state,
        }.Write);

    /// <summary>The hub's answer to a state that was told without settling.</summary>
    public static async Task<DeliveryState?> AnswerAsync(this PeerLink link, ReceivedMessage message)
    {
        var answer = await link.Session.Peer.NextAsync<Disposition>(
            d => d.Role == Role.Sender && d.First == message.Transfer.DeliveryId, link.Session.Channel);
        Assert.True(answer.Settled);
        return answer.State;
    }

    public static string MessageId(this ReceivedMessage message) =>
        Values.TextOf(message.Sections.ReadProperties()!.MessageId!.Value);

    /// <summary>The records of a feedback message: the command's id and the status code of each.</summary>
    public static (string Id, string Status)[] Records(this ReceivedMessage message)
    {
        using var json = JsonDocument.Parse(message.Data);
        return
        [
            .. json.RootElement.EnumerateArray()
                .Select(r => (r.GetProperty("originalMessageId").GetString()!, r.GetProperty("statusCode").GetString()!)),
        ];
    }
}
