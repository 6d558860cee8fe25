using System.Text.RegularExpressions;

namespace Hubbub.Client.Tests.Faults;

/// <summary>One way from a client to the hub, with a proxy in it: TLS over TCP, or a WebSocket.</summary>
internal sealed class FaultWay : IAsyncDisposable
{
    private readonly FaultProxy _proxy;

    public FaultWay(RealHub hub, Random random, string connectionString)
    {
        Transport = random.Next(2) == 0 ? AmqpTransport.Tcp : AmqpTransport.WebSocket;
        Schedule = new FaultSchedule(random, 3, tlsBytes: 3_000);
        _proxy = new FaultProxy(
            Transport == AmqpTransport.Tcp ? hub.AmqpsPort : hub.HttpsPort, Schedule.Next);
        ConnectionString = Regex.Replace(connectionString, "(AmqpsPort|HttpsPort)=[0-9]+", $"$1={_proxy.Port}");
    }

    public AmqpTransport Transport { get; }

    public FaultSchedule Schedule { get; }

    /// <summary>The way through the proxy.</summary>
    public string ConnectionString { get; }

    public ValueTask DisposeAsync() => _proxy.DisposeAsync();

    public override string ToString() => $"{Transport}: {Schedule.Description}";
}
