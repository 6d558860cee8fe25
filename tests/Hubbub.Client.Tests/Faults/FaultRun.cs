using System.Diagnostics;
using System.IO.Pipelines;
using System.Net.Sockets;
using Hubbub.Client.Connections;

namespace Hubbub.Client.Tests.Faults;

/// <summary>One seeded run of one client behind a fault proxy.</summary>
internal abstract class FaultRun(int seed)
{
    /// <summary>How long a call may take, as the client is told.</summary>
    protected static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(1);

    /// <summary>What a busy machine may add to that, before it is called a hang.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(20);

    public int Seed { get; } = seed;

    protected Random Random { get; } = new(seed);

    /// <summary>Options with which a client goes through the proxy, fast.</summary>
    protected TOptions Through<TOptions>(FaultProxy proxy, TOptions options)
        where TOptions : ClientOptions => (TOptions)(options with
        {
            Dial = (_, _, c) => DialAsync(proxy.Port, c),
            OperationTimeout = CallTimeout,
            ConnectTimeout = TimeSpan.FromMilliseconds(500),
            // Who only receives learns by it that nothing comes through any more.
            IdleTimeoutMs = 1_000,
            Reconnect = new ReconnectPolicy
            {
                InitialDelay = TimeSpan.FromMilliseconds(2),
                MaxDelay = TimeSpan.FromMilliseconds(30),
            },
            Random = new Random(Seed),
            Authentication = Random.Next(2) == 0 ? ClientAuthentication.Cbs : ClientAuthentication.SaslPlain,
        });

    /// <summary>Fails when a call does not end in its time.</summary>
    protected static async Task<T> InTimeAsync<T>(string what, Func<Task<T>> call)
    {
        var started = Stopwatch.GetTimestamp();
        var task = call();
        await ((Task)task).WaitAsync(CallTimeout + Slack).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.True(task.IsCompleted, $"{what} hangs");
        Assert.True(Stopwatch.GetElapsedTime(started) < CallTimeout + Slack, what);
        return await task;
    }

    private static async Task<IDuplexPipe> DialAsync(int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync("127.0.0.1", port, cancellationToken);
            return new StreamDuplexPipe(new NetworkStream(socket, ownsSocket: true), 16_384);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new HubbubException(HubbubCondition.Unreachable, e.Message, "proxy", null, e);
        }
    }
}
