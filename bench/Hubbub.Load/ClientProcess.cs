using System.Diagnostics;
using System.Globalization;

namespace Hubbub.Load;

/// <summary>A client under load in a process of its own. It warms up, says so, and measures when it is told to.</summary>
internal static class ClientProcess
{
    public const string Ready = "ready";
    public const string Go = "go";

    /// <summary>Runs a client once.</summary>
    /// <param name="client">What <see cref="ClientLoad"/> knows by that name.</param>
    /// <param name="connections">How many connections it makes.</param>
    /// <param name="messages">Messages of the measured round.</param>
    /// <param name="policy">Whose key it gets.</param>
    /// <param name="hub">The hub, on which nothing else happens.</param>
    public static async Task<ClientResult> RunAsync(
        string client, int connections, int messages, string policy, HubUnderTest hub)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])["client", client, $"{connections}", $"{messages}", $"{hub.AmqpsPort}", hub.CaCertificate])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteLineAsync(hub.PolicyKey(policy));
        if (await process.StandardOutput.ReadLineAsync() != Ready)
            throw new InvalidOperationException($"The client {client} could not begin.");
        var before = hub.ProcessorTime;
        await process.StandardInput.WriteLineAsync(Go);
        var line = await process.StandardOutput.ReadLineAsync();
        var hubCpuUs = (hub.ProcessorTime - before).TotalMicroseconds / messages;
        await process.WaitForExitAsync();
        if (line?.Split(' ') is not [var rate, var cpuUs] || process.ExitCode != 0)
            throw new InvalidOperationException($"The client {client} failed.");
        return new ClientResult(Number(rate), Number(cpuUs), hubCpuUs);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
