using Amqp;
using Amqp.Framing;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>NuGet's AMQPNetLite as a service: it sends commands and takes feedback.</summary>
internal sealed class CommandPeer(NetLitePeer peer) : IAsyncDisposable
{
    public const string FeedbackAddress = "/messages/serviceBound/feedback";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SenderLink _commands = new(peer.Session, "commands", "/messages/devicebound");
    private ReceiverLink? _feedback;

    public static async Task<CommandPeer> OpenAsync(HubProcess hub, bool tls = false) =>
        new(await NetLitePeer.OpenServiceAsync(hub, tls));

    /// <summary>Sends a command and waits until the hub has stored it.</summary>
    /// <exception cref="AmqpException">The hub refused it.</exception>
    public Task SendAsync(string address, string id, string ack = "full") => _commands.SendAsync(NewCommand(address, id, ack));

    public static Message NewCommand(string address, string id, string ack) => new()
    {
        Properties = new Properties { MessageId = id, To = address },
        ApplicationProperties = new ApplicationProperties { ["iothub-ack"] = ack, ["unit"] = "°C" },
        BodySection = new Data { Binary = System.Text.Encoding.UTF8.GetBytes(id) },
    };

    /// <summary>The next feedback records, completed: <c>message-id status</c>.</summary>
    public async Task<string[]> FeedbackAsync(int count)
    {
        if (_feedback is null)
        {
            _feedback = new ReceiverLink(peer.Session, "feedback", FeedbackAddress);
            _feedback.SetCredit(10);
        }
        var records = new List<string>();
        while (records.Count < count)
        {
            using var message = await _feedback.ReceiveAsync(Patience)
                ?? throw new TimeoutException($"{records.Count} of {count} feedback records came: {string.Join(", ", records)}");
            using var json = System.Text.Json.JsonDocument.Parse(message.GetBody<byte[]>());
            records.AddRange(json.RootElement.EnumerateArray()
                .Select(record => $"{record.Text("originalMessageId")} {record.Text("statusCode")}"));
            _feedback.Accept(message);
        }
        return [.. records];
    }

    public ValueTask DisposeAsync() => peer.DisposeAsync();
}
