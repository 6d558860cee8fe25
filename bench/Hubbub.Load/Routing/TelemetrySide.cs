using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Load.Commands;

namespace Hubbub.Load.Routing;

/// <summary>One device's connection that sends messages as fast as credit allows, over plain TCP.</summary>
internal sealed class TelemetrySide : IAsyncDisposable
{
    private const int InFlightMax = 1_000;

    private readonly LoadConnection _connection;
    private readonly byte[][] _messages;
    private SenderLink? _sender;
    private ulong _sent;
    private long _accepted;
    private bool _isStopped;

    private TelemetrySide(LoadConnection connection, byte[][] messages) => (_connection, _messages) = (connection, messages);

    /// <summary>Events accepted so far; every one is on stable storage.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <param name="hub">The hub.</param>
    /// <param name="deviceId">The device to be.</param>
    /// <param name="messages">Encoded messages, sent in turns.</param>
    public static async Task<TelemetrySide> OpenAsync(HubUnderTest hub, string deviceId, byte[][] messages)
    {
        var side = new TelemetrySide(await LoadConnection.OpenAsync(hub, "device", isPlain: true), messages);
        var target = new Target { Address = AmqpValue.From($"/devices/{deviceId}/messages/events") };
        var attach = new Attach { Name = "telemetry", Handle = 0, Role = Role.Sender, Source = new Source(), Target = target };
        side._sender = (SenderLink)await side._connection.AttachAsync(attach, 0, side.OnEvent);
        side._connection.Invoke(side.Pump);
        return side;
    }

    public async ValueTask DisposeAsync()
    {
        _connection.Invoke(() => _isStopped = true);
        await _connection.DisposeAsync();
    }

    private void OnEvent(in AmqpEvent e)
    {
        if (e.Kind == AmqpEventKind.DeliveryUpdated)
        {
            if (e.State is not Amqp.Performatives.Accepted)
                throw new InvalidOperationException($"An event was refused: {(e.State as Rejected)?.Error?.Description}");
            Interlocked.Increment(ref _accepted);
        }
        Pump();
    }

    private void Pump()
    {
        Span<byte> tag = stackalloc byte[sizeof(ulong)];
        while (!_isStopped && _sender is { CanSend: true } && (long)_sent - _accepted < InFlightMax)
        {
            BitConverter.TryWriteBytes(tag, ++_sent);
            if (!_sender.TrySend(tag, 0, _messages[_sent % (ulong)_messages.Length], settled: false))
                return;
        }
    }
}
