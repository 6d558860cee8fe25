using Hubbub.Client;

namespace Hubbub.Cli;

/// <summary>AMQP clients for the hub that a verb talks to, and their refusals as the verb's last line.</summary>
internal static class HubClients
{
    private const string Loopback = "localhost";

    /// <summary>Connects; a hub of this machine is reached even where its public name is not known (yet).</summary>
    /// <param name="hub">The hub.</param>
    /// <param name="connect">Connects by way of this host; null is the hub's own name.</param>
    public static async Task<T> ConnectAsync<T>(HubAddress hub, Func<string?, Task<T>> connect)
    {
        if (hub.Local is null || hub.HostName == Loopback)
            return await connect(null);
        try
        {
            return await connect(Loopback);
        }
        catch (HubbubException e) when (e.Condition == HubbubCondition.Unreachable)
        {
            return await connect(null);
        }
    }

    /// <summary>
    /// Options with which a verb reaches the hub. It says at once what is wrong, so it tries once only.
    /// </summary>
    public static TOptions Reach<TOptions>(TOptions options, HubAddress hub, string? dialHostName)
        where TOptions : ClientOptions =>
        (TOptions)(options with
        {
            CaFile = hub.CaFile,
            DialHostName = dialHostName,
            Reconnect = ReconnectPolicy.None,
        });

    /// <summary>What ends the verb: what was not done, why, and what to do.</summary>
    public static CommandFailedException Refused(string what, HubbubException e, string? remedy = null) =>
        new($"{what}: {e.Message}{(remedy is null ? "" : $" {remedy}")}", inner: e);
}
