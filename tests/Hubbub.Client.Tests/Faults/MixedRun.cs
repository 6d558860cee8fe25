using System.Globalization;

namespace Hubbub.Client.Tests.Faults;

/// <summary>
/// A device, a service and a reader at once, each with faults of its own, by TLS or WebSocket: telemetry one by one
/// and in batches, commands with their outcomes and feedback, and events read from checkpoint to checkpoint.
/// </summary>
internal sealed class MixedRun(int seed) : FaultRun(seed)
{
    private readonly CancellationTokenSource _done = new();
    private readonly HashSet<long> _ended = [];
    private string _why = "";
    private UnacknowledgedSends _onLoss;

    public int AcceptedCount { get; private set; }

    public int OutcomeCount { get; private set; }

    public async Task RunAsync(
        RealHub hub, string deviceString, string group, FeedbackBoard board, string checkpoints)
    {
        var serviceString = hub.ConnectionStringOf("service");
        await using var up = new FaultWay(hub, Random, deviceString);
        await using var to = new FaultWay(hub, Random, serviceString);
        await using var from = new FaultWay(hub, Random, serviceString);
        _onLoss = Random.Next(3) == 0 ? UnacknowledgedSends.Fail : UnacknowledgedSends.Resend;
        await using var device = DeviceClient.CreateFromConnectionString(up.ConnectionString, Through(
            up, new DeviceClientOptions { SendWindow = Random.Next(1, 20), UnacknowledgedSends = _onLoss }));
        await using var service = ServiceClient.CreateFromConnectionString(
            to.ConnectionString, Through(to, new ServiceClientOptions()));
        var readerOptions = Through(from, new EventReaderOptions
        {
            ConsumerGroup = group,
            Prefetch = Random.Next(1, 200),
            Checkpoints = new FileCheckpointStore(Path.Combine(checkpoints, FakeHub.Text(Seed))),
        });
        _why = $"HUBBUB_SEED={Seed} ({_onLoss}; device by {up}; service by {to}; reader by {from}; "
            + $"{string.Join("; ", Tokens.Select(tokens => tokens.Description))})";
        var reading = new CheckpointedReading(from.ConnectionString, readerOptions, Random.Next(), IsOfFaults, _why);
        var (messages, commands) = (Random.Next(5, 40), Random.Next(1, 8));

        await InTimeAsync(_why, RunTimeout, async () =>
        {
            var receiving = ReceiveAsync(device);
            var listening = ListenAsync(service, board);
            var read = reading.ReadUntilAsync($"{Seed}/end");
            var accepted = await SendAsync(device, messages);
            var commanded = await CommandAsync(service, device.DeviceId, commands);
            Check(accepted, await read);
            foreach (var id in commanded)
                CheckOutcome(id, await board.WhenAsync(id));
            await _done.CancelAsync();
            await Task.WhenAll(receiving, listening);
            return true;
        });
        _done.Dispose();
    }

    private TOptions Through<TOptions>(FaultWay way, TOptions options)
        where TOptions : ClientOptions => (TOptions)(Fast(options, way.ConnectionString) with
        {
            Transport = way.Transport,
            // TLS takes its time on a busy machine.
            ConnectTimeout = TimeSpan.FromSeconds(3),
            OperationTimeout = TimeSpan.FromSeconds(3),
        });

    private async Task<HashSet<int>> SendAsync(DeviceClient device, int count)
    {
        var accepted = new HashSet<int>();
        var sends = new List<Task<int[]>>();
        for (var number = 0; number < count;)
        {
            var size = Random.Next(3) == 0 ? Random.Next(2, 10) : 1;
            sends.Add(SendAsync(device, [.. Enumerable.Range(number, size)]));
            number += size;
            if (Random.Next(3) != 0)
                continue;
            foreach (var numbers in await Task.WhenAll(sends))
                accepted.UnionWith(numbers);
            sends.Clear();
        }
        foreach (var numbers in await Task.WhenAll(sends))
            accepted.UnionWith(numbers);
        // The last one gets through, however often it takes, and tells the reader that all have come.
        while (!await IsAcceptedAsync(() => device.SendAsync(Message("end"), Some.Patience).AsTask()))
        {
        }
        AcceptedCount = accepted.Count;
        return accepted;
    }

    /// <summary>One message, or a batch, which is taken as a whole or not at all.</summary>
    private async Task<int[]> SendAsync(DeviceClient device, int[] numbers)
    {
        var messages = numbers.Select(number => Message(FakeHub.Text(number))).ToList();
        var isAccepted = await IsAcceptedAsync(() => messages.Count == 1
            ? device.SendAsync(messages[0], Some.Patience).AsTask()
            : device.SendBatchAsync(messages, Some.Patience));
        return isAccepted ? numbers : [];
    }

    private TelemetryMessage Message(string name) => new("x") { MessageId = $"{Seed}/{name}" };

    private Task<bool> IsAcceptedAsync(Func<Task> call) => InTimeAsync(_why, async () =>
    {
        try
        {
            await call();
            return true;
        }
        catch (HubbubException e)
        {
            Assert.True(IsOfFaults(e), $"{_why}: {e}");
            return false;
        }
    });

    private async Task<List<string>> CommandAsync(ServiceClient service, string deviceId, int count)
    {
        var accepted = new List<string>();
        for (var i = 0; i < count; i++)
        {
            var command = new CommandMessage("x")
            {
                MessageId = $"{Seed}/{i}",
                Acknowledgement = CommandAcknowledgement.Full,
            };
            if (await IsAcceptedAsync(() => service.SendAsync(deviceId, command, Some.Patience).AsTask()))
                accepted.Add(command.MessageId);
        }
        return accepted;
    }

    private async Task ReceiveAsync(DeviceClient device) => await UntilDoneAsync(async () =>
    {
        await foreach (var command in device.ReceiveCommandsAsync(_done.Token))
        {
            Assert.False(_ended.Contains(command.SequenceNumber), $"{command} was ended and came again. {_why}");
            var isAbandoned = NumberOf(command.MessageId!) % 4 == 1 && command.DeliveryCount == 0;
            try
            {
                if (isAbandoned)
                    await command.AbandonAsync(Some.Patience);
                else if (IsRejected(command.MessageId!))
                    await command.RejectAsync(Some.Patience);
                else
                    await command.CompleteAsync(Some.Patience);
                if (!isAbandoned)
                    _ended.Add(command.SequenceNumber);
            }
            catch (HubbubException e)
            {
                // The hub may know of it or not; if it does, the command does not come again.
                Assert.True(IsOfFaults(e) || e.Condition == HubbubCondition.MessageLockLost, $"{_why}: {e}");
            }
        }
    });

    private async Task ListenAsync(ServiceClient service, FeedbackBoard board) => await UntilDoneAsync(async () =>
    {
        await foreach (var record in service.ReceiveFeedbackAsync(_done.Token))
            board.Post(record);
    });

    // A token that ran out before it was shown ends an enumeration; then the caller begins another one.
    private async Task UntilDoneAsync(Func<Task> enumerate)
    {
        while (!_done.IsCancellationRequested)
        {
            try
            {
                await enumerate();
            }
            catch (OperationCanceledException) when (_done.IsCancellationRequested)
            {
                // Done.
            }
            catch (HubbubException e) when (IsOfFaults(e))
            {
                // Once more.
            }
        }
    }

    private void Check(HashSet<int> accepted, IReadOnlyList<string> read)
    {
        var mine = read.Where(id => id.StartsWith($"{Seed}/", StringComparison.Ordinal)).ToList();
        foreach (var number in accepted)
            Assert.True(mine.Contains($"{Seed}/{number}"), $"{number} was accepted and is not there. {_why}");
        mine.Remove($"{Seed}/end");
        if (_onLoss == UnacknowledgedSends.Fail)
            Assert.True(mine.Distinct().Count() == mine.Count, $"One is there twice: {string.Join(' ', mine)}. {_why}");
    }

    private void CheckOutcome(string id, CommandFeedback record)
    {
        var expected = IsRejected(id) ? CommandOutcome.Rejected : CommandOutcome.Success;
        Assert.True(record.Outcome == expected, $"{record} instead of {expected}. {_why}");
        OutcomeCount++;
    }

    private static bool IsRejected(string id) => NumberOf(id) % 3 == 0;

    private static int NumberOf(string id) => int.Parse(id.AsSpan(id.IndexOf('/') + 1), CultureInfo.InvariantCulture);
}
