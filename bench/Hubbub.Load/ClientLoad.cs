using System.Diagnostics;
using System.Globalization;
using Amqp;
using Amqp.Framing;
using Hubbub.Client;

namespace Hubbub.Load;

/// <summary>
/// One client under load: each connection keeps a window of sends under way. Prints the rate of the second of two
/// rounds, for in the first one the JIT compiles, and the microseconds of CPU that a send cost.
/// </summary>
internal static class ClientLoad
{
    private const int Window = 1_000;
    private const int BodyBytes = 256;

    public static async Task<int> RunAsync(string client, int connections, int messages, int port, string caFile)
    {
        var key = await Console.In.ReadLineAsync() ?? throw new InvalidOperationException("The key comes by standard input.");
        var senders = new List<Func<int, Task>>();
        for (var i = 0; i < connections; i++)
            senders.Add(client == "hubbub" ? await HubbubAsync(i, key, port, caFile) : await NetLiteAsync(i, key, port));
        await RoundAsync(senders, messages / 2);
        var before = Environment.CpuUsage.TotalTime;
        var rate = await RoundAsync(senders, messages);
        var cpuUs = (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / messages;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rate} {cpuUs}"));
        return 0;
    }

    private static async Task<double> RoundAsync(List<Func<int, Task>> senders, int messages)
    {
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(senders.Select(sender => Task.Run(() => sender(messages / senders.Count))));
        return messages / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<Func<int, Task>> HubbubAsync(int number, string key, int port, string caFile)
    {
        var device = DeviceClient.CreateFromConnectionString(
            $"HostName=localhost;DeviceId=load{number};SharedAccessKeyName=device;SharedAccessKey={key};AmqpsPort={port};CaFile={caFile}",
            new DeviceClientOptions { SendWindow = Window });
        await device.OpenAsync();
        var body = new byte[BodyBytes];
        return async messages =>
        {
            var underWay = new Queue<ValueTask>(Window);
            for (var i = 0; i < messages; i++)
            {
                if (underWay.Count == Window)
                    await underWay.Dequeue();
#pragma warning disable CA2012 // Each is awaited once, in turn; a Task for each would be measured too.
                underWay.Enqueue(device.SendAsync(new TelemetryMessage(body)));
#pragma warning restore CA2012
            }
            while (underWay.TryDequeue(out var sent))
                await sent;
        };
    }

    // Its fastest way: a callback for each outcome.
    private static async Task<Func<int, Task>> NetLiteAsync(int number, string key, int port)
    {
        var token = SasToken.ForIotHub(
            $"localhost/devices/load{number}", key, "device", DateTimeOffset.UtcNow.AddHours(4)).Value;
        var factory = new ConnectionFactory();
        factory.AMQP.HostName = "localhost";
        factory.TCP.NoDelay = true;
        factory.SSL.RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null;
        var connection = await factory.CreateAsync(
            new Address("localhost", port, $"load{number}@sas.localhost", token, "/", "amqps"));
        var link = new SenderLink(new Session(connection), "telemetry", $"/devices/load{number}/messages/events");
        var body = new byte[BodyBytes];
        return async messages =>
        {
            using var window = new SemaphoreSlim(Window);
            for (var i = 0; i < messages; i++)
            {
                await window.WaitAsync();
                link.Send(new Message { BodySection = new Data { Binary = body } }, OnOutcome, window);
            }
            for (var i = 0; i < Window; i++)
                await window.WaitAsync();
        };
    }

    private static void OnOutcome(ILink link, Message message, Outcome outcome, object state)
    {
        if (outcome is not Accepted)
            Environment.FailFast($"A message was not accepted: {outcome}");
        ((SemaphoreSlim)state).Release();
    }
}
