using Amqp;
using Amqp.Framing;
using Hubbub.Client;

namespace Hubbub.Load;

/// <summary>A device of AMQPNetLite in its fastest way: a window of sends under way, a callback for each outcome.</summary>
internal static class NetLiteSender
{
    public static async Task<Func<int, Task>> OpenAsync(int number, string key, int port)
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
        var body = new byte[ClientLoad.BodyBytes];
        return async messages =>
        {
            using var window = new SemaphoreSlim(ClientLoad.Window);
            for (var i = 0; i < messages; i++)
            {
                await window.WaitAsync();
                link.Send(new Message { BodySection = new Data { Binary = body } }, OnOutcome, window);
            }
            for (var i = 0; i < ClientLoad.Window; i++)
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
