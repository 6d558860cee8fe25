using System.IO.Pipelines;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Transport;

namespace Hubbub.Client.Tests;

/// <summary>One connection of a <see cref="FakeHub"/>.</summary>
internal sealed class FakeHubConnection : IConnectionOwner
{
    private readonly FakeHub _hub;
    private readonly AmqpConnection _engine;
    private readonly ConnectionDriver _driver;
    private readonly SwallowingPipe _pipe;
    private readonly Lock _gate = new();
    private readonly List<Attach> _attaches = [];
    private readonly List<(uint Format, byte[] Payload)> _messages = [];
    private readonly List<string> _tokens = [];
    private readonly Dictionary<string, SenderLink> _answers = [];
    private readonly Dictionary<string, SenderLink> _partitions = [];
    private readonly Queue<(string Node, byte[] Message)> _replies = new();
    private readonly SemaphoreSlim _changed = new(0);
    private readonly List<ReceiverLink> _telemetry = [];
    private readonly List<(ReceiverLink Link, uint Id)> _unanswered = [];
    private ulong _tag;
    private int _detachCount;

    public FakeHubConnection(FakeHub hub, IDuplexPipe pipe, TimeProvider time)
    {
        _hub = hub;
        _engine = new AmqpConnection(new AmqpConnectionOptions
        {
            Role = ConnectionRole.Server,
            LocalOpen = new Open { ContainerId = "fake" },
            SaslMechanisms = [new("EXTERNAL"), new("MSSBCBS"), new("ANONYMOUS"), new("PLAIN")],
            Limits = AmqpLimits.Default with
            {
                FrameSizeBytesMax = hub.FrameSizeBytesMax,
                IdleTimeoutMs = hub.IdleTimeoutMs,
            },
            StartedMs = ConnectionDriver.NowMs(time),
        });
        _pipe = new SwallowingPipe(pipe);
        _driver = new ConnectionDriver(_pipe, _engine, this, time);
    }

    public SaslInit? SaslInit { get; private set; }

    public Task Running { get; private set; } = Task.CompletedTask;

    public IReadOnlyList<Attach> Attaches => Snapshot(_attaches);

    public IReadOnlyList<(uint Format, byte[] Payload)> Messages => Snapshot(_messages);

    /// <summary>The tokens put, in order.</summary>
    public IReadOnlyList<string> Tokens => Snapshot(_tokens);

    public void Start() => Running = _driver.RunAsync();

    /// <summary>From now on nothing reaches the client any more, and nobody is told.</summary>
    public void Swallow() => _pipe.Swallow();

    /// <summary>Cuts the connection without a word.</summary>
    public void Cut() => _driver.Abort();

    public void Close(AmqpError error) => _driver.Invoke(error, static (engine, error) => engine.Close(error));

    /// <summary>Ends the sessions that carry anything but claims.</summary>
    public void EndSessions(AmqpError error) => _driver.Invoke((this, error), static (_, state) =>
    {
        foreach (var receiver in state.Item1._telemetry)
            receiver.Session.End(state.error);
        state.Item1._telemetry.Clear();
    });

    /// <summary>Detaches the client's senders of telemetry.</summary>
    public void DetachTelemetry(AmqpError error) => _driver.Invoke((this, error), static (_, state) =>
    {
        foreach (var receiver in state.Item1._telemetry)
            receiver.Detach(state.error);
        state.Item1._telemetry.Clear();
    });

    /// <summary>Detaches the receivers of events.</summary>
    public void DetachPartition(string id, AmqpError error) =>
        _driver.Invoke((this, id, error), static (_, state) => state.Item1._partitions[state.id].Detach(state.error));

    /// <summary>Links that the client has detached.</summary>
    public int DetachCount => Volatile.Read(ref _detachCount);

    /// <summary>Gives the client's senders of telemetry credit.</summary>
    public void GrantCredit(uint credit) => _driver.Invoke((this, credit), static (_, state) =>
    {
        foreach (var receiver in state.Item1._telemetry)
            receiver.Grant(state.credit);
    });

    /// <summary>Accepts the messages that have been left without an answer.</summary>
    public void AcceptAll() => _driver.Invoke(this, static (_, self) =>
    {
        foreach (var (link, id) in self._unanswered)
            link.Settle(id, id, Accepted.Instance);
        self._unanswered.Clear();
    });

    /// <summary>The credit that the client has given to a partition's link.</summary>
    public uint CreditOf(string partition)
    {
        uint credit = 0;
        _driver.Invoke(this, (_, self) => credit = self._partitions[partition].Credit);
        return credit;
    }

    /// <summary>True when the client has attached a receiver to this address and given it credit.</summary>
    public bool HasCredit(string partition)
    {
        var has = false;
        _driver.Invoke(this, (_, self) => has = self._partitions.TryGetValue(partition, out var link) && link.Credit > 0);
        return has;
    }

    /// <summary>Sends an event as soon as there is credit.</summary>
    public async Task SendEventAsync(string partition, byte[] message, CancellationToken cancellationToken) =>
        await WhenAsync(peer => peer.TrySendEvent(partition, message), cancellationToken);

    /// <summary>Sends an event if there is credit.</summary>
    public bool TrySendEvent(string partition, byte[] message, bool isSettled = true)
    {
        var isSent = false;
        _driver.Invoke(this, (_, self) => isSent = self._partitions.TryGetValue(partition, out var link)
            && link.TrySend(BitConverter.GetBytes(++self._tag), 0, message, isSettled));
        return isSent;
    }

    /// <summary>Waits until the condition holds; it is looked at after each event.</summary>
    public async Task WhenAsync(Func<FakeHubConnection, bool> condition, CancellationToken cancellationToken)
    {
        while (!condition(this))
            await _changed.WaitAsync(cancellationToken);
    }

    void IConnectionOwner.OnEvent(in AmqpEvent e)
    {
        switch (e.Kind)
        {
            case AmqpEventKind.SaslInit:
                SaslInit = e.SaslInit;
                _engine.CompleteSasl(
                    _hub.PlainIsGood || e.SaslInit!.Mechanism.Value != "PLAIN" ? SaslCode.Ok : SaslCode.Auth);
                break;
            case AmqpEventKind.Opened:
                _engine.AcceptOpen();
                break;
            case AmqpEventKind.LinkAttached:
                OnAttached(e.Link!);
                break;
            case AmqpEventKind.LinkDetached:
                Interlocked.Increment(ref _detachCount);
                break;
            case AmqpEventKind.Delivery:
                OnDelivery(e);
                break;
        }
        Reply();
        _changed.Release();
    }

    void IConnectionOwner.Prepare()
    {
    }

    bool IConnectionOwner.OnWritable(int bytesMax)
    {
        Reply();
        return false;
    }

    ValueTask IConnectionOwner.WhenReadyToReadAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    void IConnectionOwner.OnClosed(Exception? fault) => _changed.Release();

    private void OnAttached(AmqpLink link)
    {
        var attach = link.RemoteAttach!;
        lock (_gate)
            _attaches.Add(attach);
        if (_hub.OnAttach(attach) is { } error)
        {
            link.Refuse(error);
            return;
        }
        link.Accept(new Attach
        {
            Name = attach.Name,
            Handle = 0,
            Role = link.Role,
            Source = attach.Source,
            Target = attach.Target,
            RcvSettleMode = attach.RcvSettleMode,
            MaxMessageSize = _hub.MessageSizeBytesMax,
            Properties = attach.Properties,
        });
        if (link is ReceiverLink receiver)
        {
            if (!Some.AddressOf(attach.Target).StartsWith('$'))
                _telemetry.Add(receiver);
            receiver.Grant(_telemetry.Contains(receiver) ? _hub.Credit : 100);
            return;
        }
        var address = Some.AddressOf(attach.Source);
        if (address.StartsWith('$'))
            _answers[address] = (SenderLink)link;
        else
            _partitions[address[(address.LastIndexOf('/') + 1)..]] = (SenderLink)link;
    }

    private void OnDelivery(in AmqpEvent e)
    {
        var link = (ReceiverLink)e.Link!;
        var node = Some.AddressOf(link.RemoteAttach!.Target);
        if (node.StartsWith('$'))
        {
            link.Settle(e.Delivery.Id, e.Delivery.Id, Accepted.Instance);
            OnRequest(node, e.Delivery.Payload);
            return;
        }
        lock (_gate)
            _messages.Add((e.Delivery.MessageFormat, e.Delivery.Payload.ToArray()));
        if (_hub.OnMessage(e.Delivery) is { } state)
            link.Settle(e.Delivery.Id, e.Delivery.Id, state);
        else
            _unanswered.Add((link, e.Delivery.Id));
    }

    private void OnRequest(string node, ReadOnlyMemory<byte> payload)
    {
        var sections = Some.Read(payload);
        var id = sections.ReadProperties()!.MessageId;
        var properties = sections.ApplicationProperties!.Value;
        var (status, description, body) = (200, "OK", default(AmqpValue));
        if (node == "$cbs")
        {
            Assert.True(sections.Value!.Value.TryGetString(out var token));
            lock (_gate)
                _tokens.Add(token);
            (status, description) = _hub.OnPutToken(properties, token);
        }
        else
        {
            body = AmqpValue.From(Manage(properties));
        }
        _replies.Enqueue((node, new OutgoingMessage
        {
            Properties = new Properties { CorrelationId = id },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                .Add("status-code", status).Add("status-description", description).Build(),
            Value = body,
        }.ToArray()));
    }

    private AmqpMap Manage(AmqpMap request)
    {
        request.TryGet("type", out var type);
        var reply = new AmqpMapBuilder(MapKeyKind.String).Add("name", FakeHub.EntityPath).Add("type", type);
        if (type.TextEquals("com.microsoft:eventhub"))
        {
            return reply
                .Add("created_at", DateTimeOffset.UnixEpoch)
                .Add("partition_count", _hub.Partitions)
                .Add("partition_ids", Enumerable.Range(0, _hub.Partitions).Select(FakeHub.Text).ToArray())
                .Build();
        }
        request.TryGet("partition", out var partition);
        return reply
            .Add("partition", partition)
            .Add("begin_sequence_number", 3L)
            .Add("last_enqueued_sequence_number", 41L)
            .Add("last_enqueued_offset", "4711")
            .Add("last_enqueued_time_utc", DateTimeOffset.UnixEpoch.AddDays(1))
            .Add("is_partition_empty", false)
            .Build();
    }

    private void Reply()
    {
        while (_replies.TryPeek(out var reply) && _answers.TryGetValue(reply.Node, out var link)
            && link.TrySend(BitConverter.GetBytes(++_tag), 0, reply.Message, settled: true))
            _replies.Dequeue();
    }

    private T[] Snapshot<T>(List<T> list)
    {
        lock (_gate)
            return [.. list];
    }
}
