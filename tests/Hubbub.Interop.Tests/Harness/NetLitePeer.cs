using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>
/// One connection of NuGet's AMQPNetLite with one link at most: a device's sender or a service's reader, SASL PLAIN.
/// </summary>
internal sealed class NetLitePeer : IAsyncDisposable
{
    private static readonly Symbol SelectorName = "apache.org:selector-filter:string";

    private readonly Connection _connection;

    private NetLitePeer(Connection connection) => _connection = connection;

    public SenderLink Sender { get; private init; } = null!;

    public Session Session { get; private init; } = null!;

    public static async Task<NetLitePeer> OpenDeviceAsync(
        HubProcess hub, TestDevice device, bool tls = false, int maxFrame = 0)
    {
        var connection = await ConnectAsync(hub, device.Plain.User, device.Plain.Password, tls, maxFrame);
        var session = new Session(connection);
        var sender = new SenderLink(session, "telemetry", device.TelemetryAddress);
        return new NetLitePeer(connection) { Session = session, Sender = sender };
    }

    public static async Task<NetLitePeer> OpenServiceAsync(HubProcess hub, bool tls = false, int maxFrame = 0)
    {
        var token = SasToken.For(hub.Host, hub.Up.PolicyKey("service"), "service");
        var connection = await ConnectAsync(hub, $"service@sas.root.{hub.Host}", token, tls, maxFrame);
        return new NetLitePeer(connection) { Session = new Session(connection) };
    }

    /// <summary>Sends one message and waits until the hub has accepted it.</summary>
    /// <exception cref="AmqpException">The hub refused it.</exception>
    public Task SendAsync(string id, byte[] body) => Sender.SendAsync(NewMessage(id, body));

    public static Message NewMessage(string id, byte[] body) => new()
    {
        Properties = new Properties { MessageId = id, ContentType = "application/octet-stream" },
        ApplicationProperties = new ApplicationProperties { ["id"] = id },
        BodySection = new Data { Binary = body },
    };

    /// <summary>A reader of a partition after <paramref name="sequence"/> (-1: all of it), with no credit.</summary>
    public ReceiverLink OpenReader(
        HubProcess hub, string partition, long sequence, string name = "reader", string group = "$Default")
    {
        var expression = $"amqp.annotation.x-opt-sequence-number > '{sequence}'";
        return new ReceiverLink(Session, name, new Source
        {
            Address = $"{hub.Up.Entity}/ConsumerGroups/{group}/Partitions/{partition}",
            FilterSet = new Map { [SelectorName] = new DescribedValue(0x0000468C00000004UL, expression) },
        }, null);
    }

    /// <summary>The number of a partition's last event, from the management node; -1 when it is empty.</summary>
    public async Task<long> LastSequenceAsync(HubProcess hub, string partition)
    {
        var sender = new SenderLink(Session, "management-sender", "$management");
        var receiver = new ReceiverLink(Session, "management-receiver", new Source { Address = "$management" }, null);
        await sender.SendAsync(new Message
        {
            Properties = new Properties { MessageId = "read", ReplyTo = "management-receiver" },
            ApplicationProperties = new ApplicationProperties
            {
                ["operation"] = "READ",
                ["type"] = "com.microsoft:partition",
                ["name"] = hub.Up.Entity,
                ["partition"] = partition,
                ["security_token"] = SasToken.For(hub.Host, hub.Up.PolicyKey("service"), "service"),
            },
        });
        using var reply = await receiver.ReceiveAsync(TimeSpan.FromSeconds(10))
            ?? throw new TimeoutException("no reply from $management");
        receiver.Accept(reply);
        await sender.CloseAsync();
        await receiver.CloseAsync();
        Assert.Equal(200, reply.ApplicationProperties["status-code"]);
        return (long)((Map)reply.Body)["last_enqueued_sequence_number"];
    }

    /// <summary>Ends the connection; one that the hub has ended already is fine.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _connection.CloseAsync(TimeSpan.FromSeconds(2), null);
        }
        catch (Exception gone) when (gone is AmqpException or TimeoutException or IOException or SocketException)
        {
            // A killed hub is what several tests are about.
        }
    }

    private static Task<Connection> ConnectAsync(HubProcess hub, string user, string password, bool tls, int maxFrame)
    {
        var factory = new ConnectionFactory();
        factory.AMQP.HostName = hub.Host;
        if (maxFrame > 0) factory.AMQP.MaxFrameSize = maxFrame;
        factory.SSL.RemoteCertificateValidationCallback = (_, certificate, chain, _) => Trusts(hub, certificate, chain);
        var port = tls ? hub.Up.Ports.Amqps : hub.Up.Ports.Amqp;
        return factory.CreateAsync(new Address(hub.Host, port, user, password, "/", tls ? "amqps" : "amqp"));
    }

    public static bool Trusts(HubProcess hub, X509Certificate? certificate, X509Chain? chain)
    {
        chain!.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(hub.CaCertificate());
        return chain.Build((X509Certificate2)certificate!);
    }
}
