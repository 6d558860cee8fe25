using System.Diagnostics;
using System.Globalization;

namespace Hubbub.Load;

/// <summary>
/// One client under load: a round to warm up, for in the first one the JIT compiles, and when it is told to, one that
/// counts. Prints its rate and the microseconds of CPU that a message cost.
/// </summary>
internal static class ClientLoad
{
    /// <summary>Messages that each connection keeps under way.</summary>
    public const int Window = 1_000;

    /// <summary>Of a message's body.</summary>
    public const int BodyBytes = 256;

    public static async Task<int> RunAsync(string client, int connections, int messages, int port, string caFile)
    {
        var key = await Console.In.ReadLineAsync() ?? throw new InvalidOperationException("The key comes by standard input.");
        var workers = new List<Func<int, Task>>();
        for (var i = 0; i < connections; i++)
        {
            workers.Add(client switch
            {
                "hubbub" => await HubbubSender.OpenAsync(i, key, port, caFile),
                "netlite" => await NetLiteSender.OpenAsync(i, key, port),
                "reader" => HubbubReader.Open(null, key, port, caFile),
                _ => HubbubReader.Open(client["reader:".Length..], key, port, caFile),
            });
        }
        await RoundAsync(workers, messages / 2);
        Console.WriteLine(ClientProcess.Ready);
        await Console.In.ReadLineAsync();
        var before = Environment.CpuUsage.TotalTime;
        var rate = await RoundAsync(workers, messages);
        var cpuUs = (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / messages;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rate} {cpuUs}"));
        return 0;
    }

    private static async Task<double> RoundAsync(List<Func<int, Task>> workers, int messages)
    {
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(workers.Select(worker => Task.Run(() => worker(messages / workers.Count))));
        return messages / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
