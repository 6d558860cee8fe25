using System.Diagnostics;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Load.Commands;

/// <summary>Devices that complete whatever they get, many on each connection, as pooled SDKs and gateways are.</summary>
internal sealed class DeviceSide : IAsyncDisposable
{
    private const int DevicesPerConnection = 50;
    private readonly List<LoadConnection> _connections = [];

    /// <summary>When the last command came to a device, in stopwatch ticks.</summary>
    public long LastReceived;

    public static async Task<DeviceSide> OpenAsync(HubUnderTest hub, int count)
    {
        var side = new DeviceSide();
        for (var i = 0; i < count; i++)
        {
            if (i % DevicesPerConnection == 0)
                side._connections.Add(await LoadConnection.OpenAsync(hub, "device"));
            await side._connections[^1].AttachAsync(
                new Attach
                {
                    Name = $"commands-{i}",
                    Handle = 0,
                    Role = Role.Receiver,
                    Source = new Source { Address = AmqpValue.From($"/devices/{Registration.DeviceId(i)}/messages/devicebound") },
                    Target = new Target(),
                },
                100,
                side.OnEvent);
        }
        return side;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections)
            await connection.DisposeAsync();
    }

    private void OnEvent(in AmqpEvent e)
    {
        if (e.Kind != AmqpEventKind.Delivery)
            return;
        Volatile.Write(ref LastReceived, Stopwatch.GetTimestamp());
        ((ReceiverLink)e.Link!).Settle(e.Delivery.Id, e.Delivery.Id, Accepted.Instance);
    }
}
