using System.Globalization;
using System.IO.Pipelines;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Client.Connections;

namespace Hubbub.Client.Tests;

/// <summary>
/// The hub's side of a connection, made of the same engine in server role: a script of answers, and a record of what
/// was asked. Each dial makes a new connection.
/// </summary>
internal sealed class FakeHub(TimeProvider? time = null)
{
    public const string EntityPath = "events-1";
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _gate = new();
    private readonly List<FakeHubConnection> _connections = [];
    private readonly SemaphoreSlim _connected = new(0);

    /// <summary>Answers a put-token; the default is 200.</summary>
    public Func<AmqpMap, string, (int Status, string Description)> OnPutToken { get; set; } = (_, _) => (200, "OK");

    /// <summary>Refuses an attach; the default is to take it.</summary>
    public Func<Attach, AmqpError?> OnAttach { get; set; } = _ => null;

    /// <summary>The outcome of a message; null leaves it unsettled. The default is accepted.</summary>
    public Func<IncomingDelivery, DeliveryState?> OnMessage { get; set; } = _ => Accepted.Instance;

    /// <summary>Credit that a sender gets.</summary>
    public uint Credit { get; set; } = 1_000;

    public uint FrameSizeBytesMax { get; set; } = 65_536;

    public uint IdleTimeoutMs { get; set; } = 120_000;

    /// <summary>max-message-size of the links.</summary>
    public ulong MessageSizeBytesMax { get; set; } = 1 << 20;

    public bool PlainIsGood { get; set; } = true;

    public int Partitions { get; set; } = 2;

    public IReadOnlyList<FakeHubConnection> Connections
    {
        get
        {
            lock (_gate)
                return [.. _connections];
        }
    }

    public FakeHubConnection Last => Connections[^1];

    public List<ServerAddress> Dialled { get; } = [];

    /// <summary>For ClientOptions.Dial.</summary>
    public Task<IDuplexPipe> DialAsync(
        ServerAddress address, ClientOptions options, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var pair = new PipePair();
        var connection = new FakeHubConnection(this, pair.Server, _time);
        lock (_gate)
        {
            _connections.Add(connection);
            Dialled.Add(address);
        }
        connection.Start();
        _connected.Release();
        return Task.FromResult(pair.Client);
    }

    /// <summary>Waits until so many connections have been dialled, and gives the last of them.</summary>
    public async Task<FakeHubConnection> WhenDialledAsync(int count, CancellationToken cancellationToken)
    {
        while (Connections.Count < count)
            await _connected.WaitAsync(cancellationToken);
        return Connections[count - 1];
    }

    public static AmqpError Redirect(string host, int port) => new()
    {
        Condition = ErrorCondition.LinkRedirect,
        Info = new AmqpMapBuilder()
            .Add("hostname", host)
            .Add("network-host", host)
            .Add("port", port)
            .Add("address", $"amqps://{host}:5671/{EntityPath}/$management")
            .Build(),
    };

    internal static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
