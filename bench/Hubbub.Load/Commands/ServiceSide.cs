using System.Globalization;
using System.Text.Json;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Load.Commands;

/// <summary>A service that sends commands as credit allows and takes the feedback about them.</summary>
internal sealed class ServiceSide : IAsyncDisposable
{
    private const int BodyBytes = 256;
    private static readonly byte[] Body = new byte[BodyBytes];

    // All of these under the connection's lock.
    private readonly Queue<int> _waiting = new();
    private readonly LoadConnection _connection;
    private SenderLink? _sender;
    private ulong _sent;
    private long _accepted;
    private TaskCompletionSource? _allAccepted;
    private long _acceptedWanted;

    private ServiceSide(LoadConnection connection) => _connection = connection;

    /// <summary>Hears of each feedback record, by the device's index; under the connection's lock.</summary>
    public Action<int>? OnFeedback { get; set; }

    /// <param name="hub">The hub.</param>
    /// <param name="takesFeedback">Opens a feedback link too.</param>
    public static async Task<ServiceSide> OpenAsync(HubUnderTest hub, bool takesFeedback = true)
    {
        var side = new ServiceSide(await LoadConnection.OpenAsync(hub, "service"));
        var target = new Target { Address = AmqpValue.From("/messages/devicebound") };
        side._sender = (SenderLink)await side._connection.AttachAsync(
            new Attach { Name = "commands", Handle = 0, Role = Role.Sender, Source = new Source(), Target = target }, 0, side.OnSender);
        if (!takesFeedback)
            return side;
        var source = new Source { Address = AmqpValue.From("/messages/servicebound/feedback") };
        await side._connection.AttachAsync(
            new Attach { Name = "feedback", Handle = 0, Role = Role.Receiver, Source = source, Target = new Target() }, 1_000, side.OnReceiver);
        return side;
    }

    /// <summary>Sends one command to a device; it waits for credit where there is none.</summary>
    public void Send(int device)
    {
        _waiting.Enqueue(device);
        Pump();
    }

    /// <summary>Does something under the connection's lock.</summary>
    public void Invoke(Action action) => _connection.Invoke(action);

    /// <summary>Completes when so many commands have been accepted in all.</summary>
    public Task WhenAcceptedAsync(long count)
    {
        _connection.Invoke(() =>
        {
            (_acceptedWanted, _allAccepted) = (count, new(TaskCreationOptions.RunContinuationsAsynchronously));
            if (_accepted >= count)
                _allAccepted.TrySetResult();
        });
        return _allAccepted!.Task;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private void OnSender(in AmqpEvent e)
    {
        if (e.Kind == AmqpEventKind.DeliveryUpdated)
        {
            if (e.State is not Accepted)
                throw new InvalidOperationException($"A command was refused: {(e.State as Rejected)?.Error?.Description}");
            if (++_accepted == _acceptedWanted)
                _allAccepted?.TrySetResult();
        }
        Pump();
    }

    private void Pump()
    {
        Span<byte> tag = stackalloc byte[sizeof(ulong)];
        while (_sender is { CanSend: true } && _waiting.TryDequeue(out var device))
        {
            BitConverter.TryWriteBytes(tag, ++_sent);
            _sender.TrySend(tag, 0, MessageFor(device), settled: false);
        }
    }

    private byte[] MessageFor(int device) => new OutgoingMessage
    {
        Properties = new Properties
        {
            MessageId = AmqpValue.From(string.Create(CultureInfo.InvariantCulture, $"{device}:{_sent}")),
            To = AmqpValue.From($"/devices/{Registration.DeviceId(device)}/messages/devicebound"),
        },
        ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String).Add("iothub-ack", "full").Build(),
        Data = Body,
    }.ToArray();

    private void OnReceiver(in AmqpEvent e)
    {
        if (e.Kind != AmqpEventKind.Delivery)
            return;
        MessageSections.TryRead(e.Delivery.Payload, SectionOrder.Lenient, out var sections, out _);
        foreach (var data in sections.Data)
            Read(data.Span);
        ((ReceiverLink)e.Link!).Settle(e.Delivery.Id, e.Delivery.Id, Accepted.Instance);
    }

    private void Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName || !reader.ValueTextEquals("originalMessageId"u8))
                continue;
            reader.Read();
            var id = reader.ValueSpan;
            OnFeedback?.Invoke(int.Parse(id[..id.IndexOf((byte)':')], CultureInfo.InvariantCulture));
        }
    }
}
