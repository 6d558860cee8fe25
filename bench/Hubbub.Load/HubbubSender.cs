using Hubbub.Client;

namespace Hubbub.Load;

/// <summary>A device of Hubbub.Client that keeps a window of sends under way.</summary>
internal static class HubbubSender
{
    public static async Task<Func<int, Task>> OpenAsync(int number, string key, int port, string caFile)
    {
        var device = DeviceClient.CreateFromConnectionString(
            $"HostName=localhost;DeviceId=load{number};SharedAccessKeyName=device;SharedAccessKey={key};AmqpsPort={port};CaFile={caFile}",
            new DeviceClientOptions { SendWindow = ClientLoad.Window });
        await device.OpenAsync();
        var body = new byte[ClientLoad.BodyBytes];
        return async messages =>
        {
            var underWay = new Queue<ValueTask>(ClientLoad.Window);
            for (var i = 0; i < messages; i++)
            {
                if (underWay.Count == ClientLoad.Window)
                    await underWay.Dequeue();
#pragma warning disable CA2012 // Each is awaited once, in turn; a Task for each would be measured too.
                underWay.Enqueue(device.SendAsync(new TelemetryMessage(body)));
#pragma warning restore CA2012
            }
            while (underWay.TryDequeue(out var sent))
                await sent;
        };
    }
}
