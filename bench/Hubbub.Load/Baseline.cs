using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace Hubbub.Load;

/// <summary>The yardstick: AMQPNetLite's listener, which accepts every message at once and keeps none.</summary>
internal static class Baseline
{
    public const string User = "guest";

    public static async Task<int> RunAsync(int port)
    {
        var host = new ContainerHost(new Address($"amqp://127.0.0.1:{port}"));
        host.Listeners[0].SASL.EnablePlainMechanism(User, User);
        host.RegisterMessageProcessor("bench", new Accepting());
        host.Open();
        Console.WriteLine("ready");
        await Console.In.ReadLineAsync();
        host.Close();
        return 0;
    }

    private sealed class Accepting : IMessageProcessor
    {
        public int Credit => 1_000;

        public void Process(MessageContext messageContext) => messageContext.Complete();
    }
}
