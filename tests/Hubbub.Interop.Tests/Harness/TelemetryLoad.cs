using System.Net.Sockets;
using Amqp;
using Amqp.Framing;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>Devices that send as fast as their window allows, until the hub is gone or they are told to stop.</summary>
internal sealed class TelemetryLoad(HubProcess hub, IReadOnlyList<TestDevice> devices, HistoryChecker history)
{
    private const int InFlightMax = 16;
    private static readonly byte[] Body = new byte[200];

    /// <summary>Runs every device at once; ends when each has lost its connection or it is told to stop.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(devices.Select(device => SendAsync(device, stop)));

    private async Task SendAsync(TestDevice device, CancellationToken stop)
    {
        await Task.Yield();
        NetLitePeer peer;
        try
        {
            peer = await NetLitePeer.OpenDeviceAsync(hub, device);
        }
        catch (Exception gone) when (IsLoss(gone))
        {
            return;
        }
        await using (peer)
        {
            using var window = new SemaphoreSlim(InFlightMax);
            using var lost = CancellationTokenSource.CreateLinkedTokenSource(stop);
            peer.Sender.AddClosedCallback((_, _) => Cancel(lost));
            try
            {
                while (!lost.IsCancellationRequested)
                {
                    await window.WaitAsync(lost.Token);
                    var number = history.Send(device.Id);
                    peer.Sender.Send(NetLitePeer.NewMessage($"{device.Id}/{number}", Body), OnOutcome, number);
                }
            }
            catch (Exception gone) when (IsLoss(gone))
            {
                // What was in flight is undecided: it may be there after the restart or not.
            }
            if (stop.IsCancellationRequested && !peer.Sender.IsClosed) await SettleAsync(window);

            void OnOutcome(ILink link, Message message, Outcome outcome, object state)
            {
                if (outcome is Accepted) history.Accepted(device.Id, (int)state);
                try
                {
                    window.Release();
                }
                catch (ObjectDisposedException)
                {
                    // The hub's last words came after this device had given up.
                }
            }
        }
    }

    private static async Task SettleAsync(SemaphoreSlim window)
    {
        for (var taken = 0; taken < InFlightMax; taken++)
        {
            if (!await window.WaitAsync(TimeSpan.FromSeconds(5), CancellationToken.None)) return;
        }
    }

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The device has ended already.
        }
    }

    private static bool IsLoss(Exception failure) => failure is AmqpException or OperationCanceledException
        or IOException or SocketException or TimeoutException or ObjectDisposedException;
}
