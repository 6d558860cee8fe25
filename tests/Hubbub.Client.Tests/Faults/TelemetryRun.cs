using System.Globalization;

namespace Hubbub.Client.Tests.Faults;

/// <summary>A device sends some messages while its connections fail; what it was told is kept for the check.</summary>
internal sealed class TelemetryRun(int seed) : FaultRun(seed)
{
    private enum Told
    {
        Accepted,
        Failed,
        Cancelled,
    }

    private Told[] _told = [];
    private string _faults = "";
    private UnacknowledgedSends _onLoss;

    public int AcceptedCount => _told.Count(told => told == Told.Accepted);

    public int FailedCount => _told.Length - AcceptedCount;

    /// <summary>Sends; each message is named by the seed and its number.</summary>
    public async Task RunAsync(int hubPort, string connectionString)
    {
        var schedule = new FaultSchedule(Random, 6);
        _faults = schedule.Description;
        _onLoss = Random.Next(3) == 0 ? UnacknowledgedSends.Fail : UnacknowledgedSends.Resend;
        await using var proxy = new FaultProxy(hubPort, schedule.Next);
        var options = Through(proxy, new DeviceClientOptions
        {
            SendWindow = Random.Next(1, 40),
            UnacknowledgedSends = _onLoss,
        }, connectionString);
        _faults = string.Join("; ", Tokens.Select(tokens => tokens.Description).Prepend(_faults));
        await using var device = DeviceClient.CreateFromConnectionString(connectionString, options);
        _told = new Told[Random.Next(5, 60)];
        var atATime = Random.Next(1, _told.Length + 1);
        var sends = new List<Task>();
        for (var i = 0; i < _told.Length; i++)
        {
            sends.Add(SendAsync(device, i));
            if (sends.Count < atATime)
                continue;
            await Task.WhenAll(sends);
            sends.Clear();
        }
        await Task.WhenAll(sends);
    }

    /// <summary>Compares with what the hub has of it, in the hub's order.</summary>
    public void Check(IReadOnlyList<int> stored)
    {
        var why = string.Create(
            CultureInfo.InvariantCulture, $"HUBBUB_SEED={Seed} ({_onLoss}; {_faults}): stored {string.Join(' ', stored)}");
        var firsts = stored.Distinct().ToList();
        for (var i = 0; i < _told.Length; i++)
            Assert.True(_told[i] != Told.Accepted || firsts.Contains(i), $"{i} was accepted and is lost. {why}");
        if (_onLoss == UnacknowledgedSends.Fail)
            Assert.True(firsts.Count == stored.Count, $"One is there twice. {why}");
        // What nobody knows of may have been under way on a connection that was cut, to a hub that reads it late.
        var known = firsts.Where(i => _told[i] == Told.Accepted).ToList();
        Assert.True(known.SequenceEqual(known.Order()), $"They are out of order. {why}");
    }

    private async Task SendAsync(DeviceClient device, int number)
    {
        using var cancel = new CancellationTokenSource();
        if (Random.Next(15) == 0)
            cancel.CancelAfter(Random.Next(20));
        var message = new TelemetryMessage(new byte[Random.Next(3) == 0 ? Random.Next(3_000) : 10])
        {
            MessageId = string.Create(CultureInfo.InvariantCulture, $"{Seed}/{number}"),
        };
        _told[number] = await InTimeAsync(message.MessageId, async () =>
        {
            try
            {
                await device.SendAsync(message, cancel.Token);
                return Told.Accepted;
            }
            catch (HubbubException e)
            {
                // A network's faults pass, and are told as such.
                Assert.True(IsOfFaults(e), $"HUBBUB_SEED={Seed} ({_faults}): {e}");
                return Told.Failed;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return Told.Cancelled;
            }
        });
    }
}
