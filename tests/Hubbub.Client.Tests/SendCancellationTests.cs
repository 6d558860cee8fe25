using System.Globalization;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Tests;

/// <summary>
/// Sends that are given up at any point: before they go out, in the window, in line, unanswered, answered, while the
/// connection is cut. Whatever happened, all places of the window are free again. HUBBUB_SEED replays one.
/// </summary>
public sealed class SendCancellationTests(ITestOutputHelper output)
{
    private const int Seeds = 60;

    [Fact]
    public async Task Sends_CancelledAtAnyPoint_LeaveTheWindowAsItWas()
    {
        if (int.TryParse(
            Environment.GetEnvironmentVariable("HUBBUB_SEED"), CultureInfo.InvariantCulture, out var given))
        {
            await RunAsync(given);
            return;
        }
        var first = Random.Shared.Next(1, int.MaxValue - Seeds);
        output.WriteLine($"HUBBUB_SEED={first}...");
        for (var seed = first; seed < first + Seeds; seed++)
        {
            try
            {
                await RunAsync(seed);
            }
            catch (Exception)
            {
                output.WriteLine($"HUBBUB_SEED={seed}");
                throw;
            }
        }
    }

    private static async Task RunAsync(int seed)
    {
        var random = new Random(seed);
        var window = random.Next(1, 6);
        var answers = 0;
        var answerOneIn = random.Next(1, 4);
        var hub = new FakeHub { Credit = (uint)random.Next(6) };
        hub.OnMessage = _ => Interlocked.Increment(ref answers) % answerOneIn == 0 ? Accepted.Instance : null;
        await using var device = Some.DeviceOf(hub, new()
        {
            SendWindow = window,
            Reconnect = new() { InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero },
            UnacknowledgedSends = random.Next(2) == 0 ? UnacknowledgedSends.Resend : UnacknowledgedSends.Fail,
        });
        await device.OpenAsync(Some.Patience);
        var sends = new List<(Task Task, CancellationTokenSource Cancel)>();
        for (var step = 0; step < 60; step++)
            Do(random, hub, device, sends);

        // All that is left is given up or answered.
        hub.OnMessage = _ => Accepted.Instance;
        hub.Credit = 1_000;
        foreach (var (_, cancel) in sends.Where(_ => random.Next(2) == 0))
            await cancel.CancelAsync();
        hub.Last.AcceptAll();
        hub.Last.GrantCredit(1_000);
        foreach (var (task, cancel) in sends)
        {
            await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Assert.True(
                task.IsCompletedSuccessfully || task.IsCanceled || task.Exception?.InnerException is HubbubException);
            cancel.Dispose();
        }
        await CheckWindowAsync(hub, device, window);
    }

    private static void Do(
        Random random, FakeHub hub, DeviceClient device, List<(Task Task, CancellationTokenSource Cancel)> sends)
    {
        switch (random.Next(12))
        {
            case < 6:
                var cancel = new CancellationTokenSource();
                if (random.Next(10) == 0)
                    cancel.Cancel();
                sends.Add((device.SendAsync(new TelemetryMessage("x"), cancel.Token).AsTask(), cancel));
                break;
            case < 9 when sends.Count > 0:
                sends[random.Next(sends.Count)].Cancel.Cancel();
                break;
            case 9:
                hub.Last.AcceptAll();
                break;
            case 10:
                hub.Last.GrantCredit((uint)random.Next(10));
                break;
            case 11 when random.Next(3) == 0:
                hub.Last.Cut();
                break;
        }
    }

    /// <summary>As many go out without an answer as the window has places.</summary>
    private static async Task CheckWindowAsync(FakeHub hub, DeviceClient device, int window)
    {
        await device.SendAsync(new TelemetryMessage("there is a link"), Some.Patience);
        hub.OnMessage = _ => null;
        var peer = hub.Last;
        var before = peer.Messages.Count;
        var sends = Enumerable.Range(0, window + 3)
            .Select(_ => device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask())
            .ToList();
        await peer.WhenAsync(_ => peer.Messages.Count >= before + window, Some.Patience);
        Assert.Equal(before + window, peer.Messages.Count);
        hub.OnMessage = _ => Accepted.Instance;
        peer.AcceptAll();
        await Task.WhenAll(sends);
    }
}
