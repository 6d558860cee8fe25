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

    /// <summary>What a run of many calls, one behind the other, may take.</summary>
    protected static readonly TimeSpan RunTimeout = TimeSpan.FromMinutes(3);

    public int Seed { get; } = seed;

    protected Random Random { get; } = new(seed);

    /// <summary>True for the runs that restart the hub while they and their neighbours work.</summary>
    public bool RestartsHub(int oneIn) => new Random(Seed).Next(oneIn) == 0;

    /// <summary>What happens to the tokens of this run's clients.</summary>
    protected List<FaultTokens> Tokens { get; } = [];

    /// <summary>Options with which a client goes through the proxy, fast.</summary>
    protected TOptions Through<TOptions>(FaultProxy proxy, TOptions options, string connectionString)
        where TOptions : ClientOptions => (TOptions)(Fast(options, connectionString) with
        {
            Dial = (_, _, c) => DialAsync(proxy.Port, c),
            ConnectTimeout = CallTimeout,
        });

    /// <summary>Options with which a client finds out soon, and tries again soon.</summary>
    protected ClientOptions Fast(ClientOptions options, string connectionString)
    {
        var tokens = new FaultTokens(ConnectionString.Parse(connectionString), Random);
        Tokens.Add(tokens);
        return options with
        {
            OperationTimeout = CallTimeout,
            // Who only receives learns by it that nothing comes through any more.
            IdleTimeoutMs = 1_000,
            Reconnect = new ReconnectPolicy
            {
                InitialDelay = TimeSpan.FromMilliseconds(2),
                MaxDelay = TimeSpan.FromMilliseconds(30),
            },
            Random = new Random(Seed),
            Authentication = Random.Next(2) == 0 ? ClientAuthentication.Cbs : ClientAuthentication.SaslPlain,
            TokenProvider = tokens.GiveAsync,
        };
    }

    /// <summary>
    /// True for what the faults of the schedule bring about: it passes, or a token ran out before it was shown.
    /// </summary>
    protected bool IsOfFaults(HubbubException e) => e.IsTransient
        || (e.Condition == HubbubCondition.UnauthorizedAccess && Tokens.Exists(tokens => tokens.AnyShort));

    /// <summary>Fails when a call does not end in its time.</summary>
    protected static Task<T> InTimeAsync<T>(string what, Func<Task<T>> call) =>
        InTimeAsync(what, CallTimeout + Slack, call);

    /// <summary>Fails when something does not end in this time.</summary>
    protected static async Task<T> InTimeAsync<T>(string what, TimeSpan time, Func<Task<T>> call)
    {
        var task = call();
        await ((Task)task).WaitAsync(time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.True(task.IsCompleted, $"{what} hangs");
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
