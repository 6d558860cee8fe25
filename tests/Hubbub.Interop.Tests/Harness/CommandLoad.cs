using System.Net.Sockets;
using System.Text.Json;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>
/// Services that send commands, one that takes feedback, and devices that complete, reject, abandon or walk away, at
/// random, until the hub is gone or they are told to stop.
/// </summary>
internal sealed class CommandLoad(HubProcess hub, TestDevice[] devices, TestDevice absent, CommandHistory history, int seed)
{
    private const int InFlightMax = 8;
    private const int AbsentLifeMs = 1_500;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);
    private static readonly Symbol QueueFull = "amqp:resource-limit-exceeded";
    private int _runs;

    /// <summary>Runs all of them; ends when each has lost its connection or it is told to stop.</summary>
    /// <param name="sends">False: what there is comes to its end.</param>
    /// <param name="stop">Says when.</param>
    public Task RunAsync(bool sends, CancellationToken stop)
    {
        var random = new Random(unchecked(seed + 7919 * ++_runs));
        Task[] all =
        [
            GuardAsync(() => TakeFeedbackAsync(new Random(random.Next()), stop)),
            .. devices.Select(device => GuardAsync(() => ReceiveAsync(device, new Random(random.Next()), stop))),
            .. Enumerable.Range(0, sends ? 2 : 0).Select(_ => GuardAsync(() => SendAsync(new Random(random.Next()), stop))),
        ];
        return Task.WhenAll(all);
    }

    private async Task SendAsync(Random random, CancellationToken stop)
    {
        await using var peer = await NetLitePeer.OpenServiceAsync(hub);
        var link = new SenderLink(peer.Session, "commands", "/messages/devicebound");
        using var window = new SemaphoreSlim(InFlightMax);
        while (!link.IsClosed && !stop.IsCancellationRequested)
        {
            if (!await window.WaitAsync(Patience, CancellationToken.None)) continue;
            var isForAbsent = random.Next(20) == 0;
            var device = isForAbsent ? absent : devices[random.Next(devices.Length)];
            var id = history.Send();
            var message = CommandPeer.NewCommand(device.CommandAddress, id, "full");
            if (isForAbsent) message.Properties.AbsoluteExpiryTime = DateTime.UtcNow.AddMilliseconds(AbsentLifeMs);
            link.Send(message, OnOutcome, id);
        }

        void OnOutcome(ILink from, Message message, Outcome outcome, object state)
        {
            if (outcome is Accepted) history.Accepted((string)state);
            // The library reports a lost connection as a rejection too; then nobody knows.
            else if (outcome is Rejected { Error.Condition: var condition } && condition == QueueFull) history.Refused((string)state);
            try
            {
                window.Release();
            }
            catch (ObjectDisposedException)
            {
                // The hub's last words came after this service had given up.
            }
        }
    }

    private async Task ReceiveAsync(TestDevice device, Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await using var peer = await NetLitePeer.OpenDeviceAsync(hub, device);
            var link = new ReceiverLink(peer.Session, "commands", device.CommandAddress);
            link.SetCredit(10);
            // A device goes away now and then with what it holds, and comes again.
            var left = random.Next(20, 200);
            while (left > 0 && !stop.IsCancellationRequested)
            {
                if (await link.ReceiveAsync(Patience) is not { } message)
                {
                    if (link.IsClosed) return;
                    continue;
                }
                var count = (byte)message.MessageAnnotations[new Symbol("iothub-deliverycount")];
                history.Delivered(message.Properties.MessageId, count);
                Settle(link, message, random.Next(100));
                left--;
            }
        }
    }

    private async Task TakeFeedbackAsync(Random random, CancellationToken stop)
    {
        await using var peer = await NetLitePeer.OpenServiceAsync(hub);
        var link = new ReceiverLink(peer.Session, "feedback", CommandPeer.FeedbackAddress);
        link.SetCredit(10);
        while (!stop.IsCancellationRequested)
        {
            if (await link.ReceiveAsync(Patience) is not { } message)
            {
                if (link.IsClosed) return;
                continue;
            }
            using var json = JsonDocument.Parse(message.GetBody<byte[]>());
            foreach (var record in json.RootElement.EnumerateArray())
            {
                history.Feedback(
                    record.Text("originalMessageId")!, record.Text("statusCode")!, record.Text("enqueuedTimeUtc")!);
            }
            if (random.Next(10) == 0) link.Release(message);
            else link.Accept(message);
        }
    }

    private static void Settle(ReceiverLink link, Message message, int choice)
    {
        switch (choice)
        {
            case < 70:
                link.Accept(message);
                break;
            case < 80:
                link.Reject(message);
                break;
            case < 95:
                link.Release(message);
                break;
            default:
                link.Modify(message, deliveryFailed: false, undeliverableHere: false);
                break;
        }
    }

    private static async Task GuardAsync(Func<Task> run)
    {
        await Task.Yield();
        try
        {
            await run();
        }
        catch (Exception gone) when (gone is AmqpException or OperationCanceledException or IOException
            or SocketException or TimeoutException or ObjectDisposedException)
        {
            // The hub was killed; what was in flight is undecided.
        }
    }
}
