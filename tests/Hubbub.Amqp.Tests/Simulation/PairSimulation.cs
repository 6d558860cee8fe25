using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Simulation;

/// <summary>
/// A client's and a hub's engine against each other. A seeded scheduler cuts, delays and joins the bytes between them,
/// and has both owners do whatever they may. After every step the models hold; at the end everything that was sent
/// has come, everything that wanted an outcome has had it, and nothing is left behind.
/// </summary>
internal sealed class PairSimulation
{
    private const int QuietStepsMax = 1_000_000;
    private static readonly uint[] FirstIds = [0, 1, 0xFFFF_FFFE, 0xFFFF_FF00, 0x7FFF_FFFE];
    private static readonly uint[] FrameSizes = [512, 4_096, 65_536];
    private static readonly uint[] Windows = [1, 2, 7, 100, 5_000, uint.MaxValue];
    private readonly Random _random;
    private readonly bool _bare;
    private readonly Dictionary<string, LinkRecord> _records = [];
    private readonly List<AmqpSession> _sessions = [];

    public PairSimulation(int seed)
    {
        _random = new Random(seed);
        _bare = _random.Next(2) == 0;
        Client = new SimulatedEnd(Options(ConnectionRole.Client), _records, _random);
        Hub = new SimulatedEnd(Options(ConnectionRole.Server), _records, _random);
        (Client.Other, Hub.Other) = (Hub, Client);
        Client.Flush();
    }

    public SimulatedEnd Client { get; }

    public SimulatedEnd Hub { get; }

    public int MessagesReceived => _records.Values.Sum(r => r.Received);

    private IEnumerable<LinkRecord> Live => _records.Values.Where(r => !r.IsOver);

    public void Run(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            Step();
            CheckAlways();
        }
        Settle();
        Close();
        CheckForgotten();
    }

    private void Step()
    {
        switch (_random.Next(100))
        {
            case < 35: DeliverSome(_random.Next(2) == 0 ? Client : Hub); break;
            case < 65: Send(); break;
            case < 80: SettleSome(); break;
            case < 86: GrantOrDrain(); break;
            case < 90: AnswerDrains(); break;
            case < 94: Attach(); break;
            case < 96: Begin(); break;
            case < 97: Detach(); break;
            case < 98 when _random.Next(5) == 0: End(); break;
            default: Tick(); break;
        }
        Client.Flush();
        Hub.Flush();
    }

    private void DeliverSome(SimulatedEnd to)
    {
        if (to.UnderWay == 0)
            return;
        var most = _random.Next(4) switch { 0 => 1, 1 => 20, 2 => 2_000, _ => int.MaxValue };
        to.Deliver(_random.Next(1, (int)Math.Min((long)most, to.UnderWay) + 1));
    }

    private void Send()
    {
        var senders = Live.Where(r => r.Sender is { CanSend: true }).ToList();
        if (senders.Count == 0)
            return;
        var record = senders[_random.Next(senders.Count)];
        var length = _random.Next(20) switch { 0 => _random.Next(300 * 1_024), < 4 => _random.Next(5_000), _ => _random.Next(200) };
        var settled = record.Sender!.SenderSettleMode switch
        {
            SenderSettleMode.Settled => true,
            SenderSettleMode.Unsettled => false,
            _ => _random.Next(2) == 0,
        };
        var number = record.OnSent(length, settled);
        var message = record.Message(number);
        if (_random.Next(2) == 0)
        {
            Assert.True(record.Sender.TrySend(record.Tag(number), 0, message, settled, settled ? null : number));
            return;
        }
        var start = record.Sender.BeginMessage(record.Tag(number), 0, settled);
        record.Sender.Session.Connection.Output.Write(message);
        record.Sender.EndMessage(start, settled ? null : number);
    }

    private void SettleSome()
    {
        var receivers = Live.Where(r => r.Open.Count > 0 || r.Unreleased > 0).ToList();
        if (receivers.Count == 0)
            return;
        var record = receivers[_random.Next(receivers.Count)];
        if (record.Unreleased > 0)
        {
            record.Receiver!.Release(record.Unreleased);
            record.Unreleased = 0;
        }
        if (record.Open.Count == 0)
            return;
        var first = _random.Next(record.Open.Count);
        var last = _random.Next(2) == 0 ? first : _random.Next(first, record.Open.Count);
        Settle(record, record.Open[first].Id, record.Open[last].Id);
    }

    private void Settle(LinkRecord record, uint first, uint last)
    {
        DeliveryState state = _random.Next(4) switch
        {
            0 => Released.Instance,
            1 => new Rejected { Error = new AmqpError { Condition = ErrorCondition.NotAllowed } },
            2 => new Modified { DeliveryFailed = true },
            _ => Accepted.Instance,
        };
        Assert.True(record.OnSettling(first, last, state) > 0);
        record.Receiver!.Settle(first, last, state);
    }

    private void GrantOrDrain()
    {
        var receivers = Live.Where(r => r.Receiver is { IsAttached: true }).ToList();
        if (receivers.Count == 0)
            return;
        var receiver = receivers[_random.Next(receivers.Count)].Receiver!;
        if (_random.Next(3) == 0)
            receiver.Drain();
        else
            receiver.Grant((uint)_random.Next(0, 60));
    }

    private void AnswerDrains()
    {
        foreach (var end in new[] { Client, Hub })
        {
            foreach (var sender in end.Draining)
                sender.Drained();
            end.Draining.Clear();
        }
    }

    private void Attach()
    {
        var sessions = _sessions.Where(s => s.State is SessionState.BeginSent or SessionState.Mapped).ToList();
        if (sessions.Count == 0 || Live.Count() >= 12)
            return;
        var role = _random.Next(2) == 0 ? Role.Sender : Role.Receiver;
        var mode = _random.Next(3) == 0 ? ReceiverSettleMode.Second : ReceiverSettleMode.First;
        var record = new LinkRecord($"link {_records.Count}", role, mode);
        _records.Add(record.Name, record);
        var link = sessions[_random.Next(sessions.Count)].Attach(new Attach
        {
            Name = record.Name,
            Handle = 0,
            Role = role,
            SndSettleMode = (SenderSettleMode)_random.Next(3),
            RcvSettleMode = mode,
            Source = new Source { Address = AmqpValue.From("source") },
            Target = new Target { Address = AmqpValue.From("target") },
            InitialDeliveryCount = FirstIds[_random.Next(FirstIds.Length)],
        });
        record.Sender = link as SenderLink;
        record.Receiver = link as ReceiverLink;
        if (_random.Next(2) == 0)
            record.Receiver?.Grant((uint)_random.Next(1, 50));
    }

    private void Begin()
    {
        // Without SASL a client may begin before the hub has said a word.
        if (!_bare && Client.Engine.RemoteOpen is null)
            return;
        if (_sessions.Count(s => s.State is SessionState.BeginSent or SessionState.Mapped) < 4)
            _sessions.Add(Client.Engine.BeginSession());
    }

    private void Detach()
    {
        if (_random.Next(3) == 0)
        {
            DetachAtOnce();
            return;
        }
        var links = Live.Where(r => r.Sender is { IsAttached: true } && r.Receiver is { IsAttached: true }).ToList();
        if (links.Count == 0)
            return;
        var record = links[_random.Next(links.Count)];
        record.IsOver = true;
        AmqpLink end = _random.Next(2) == 0 ? record.Sender! : record.Receiver!;
        end.Detach();
        // Both sides may think of it at once.
        if (_random.Next(4) == 0)
            (end == record.Sender ? (AmqpLink)record.Receiver! : record.Sender!).Detach();
    }

    /// <summary>The client thinks better of an attach that the hub may not even have seen.</summary>
    private void DetachAtOnce()
    {
        foreach (var record in Live.ToList())
        {
            AmqpLink end = record.ClientRole == Role.Sender ? record.Sender! : record.Receiver!;
            if (end.State != LinkState.AttachSent)
                continue;
            record.IsOver = true;
            end.Detach();
        }
    }

    private void End()
    {
        var end = _random.Next(2) == 0 ? Client : Hub;
        var sessions = end.Engine.Sessions.Where(s => s.State == SessionState.Mapped).ToList();
        if (sessions.Count == 0)
            return;
        var session = sessions[_random.Next(sessions.Count)];
        foreach (var record in _records.Values.Where(r => r.IsOf(session)))
            record.IsOver = true;
        session.End();
    }

    private void Tick()
    {
        var ms = _random.Next(300);
        foreach (var end in new[] { Client, Hub })
        {
            end.Engine.NowMs += ms;
            end.Engine.Tick();
        }
    }

    private void CheckAlways()
    {
        foreach (var end in new[] { Client, Hub })
        {
            Assert.False(end.IsClosed);
            Assert.Equal(end.Engine.Sessions.Sum(s => s.Links.Count()), end.Engine.LinkCount);
        }
        foreach (var record in Live)
        {
            Assert.True(record.Received <= record.Sent);
            if (record.Receiver is { } receiver)
                Assert.Equal((uint)record.Open.Count + record.Unreleased, receiver.Outstanding);
        }
    }

    /// <summary>Lets everything come to rest: all that was sent arrives and is settled.</summary>
    private void Settle()
    {
        for (var step = 0; ; step++)
        {
            Assert.True(step < QuietStepsMax, "The two do not come to rest.");
            AnswerDrains();
            Client.Flush();
            Hub.Flush();
            if (Client.UnderWay > 0)
                Client.Deliver(Client.UnderWay);
            else if (Hub.UnderWay > 0)
                Hub.Deliver(Hub.UnderWay);
            else if (Live.FirstOrDefault(r => r.Open.Count > 0) is { } record)
                Settle(record, record.Open[0].Id, record.Open[^1].Id);
            else
                break;
        }
        foreach (var record in Live)
        {
            Assert.Equal((record.Name, record.Sent), (record.Name, record.Received));
            Assert.True(record.AllSettled, $"{record.Name}: an outcome is missing.");
        }
        foreach (var session in Client.Engine.Sessions.Concat(Hub.Engine.Sessions))
        {
            Assert.Equal(SessionState.Mapped, session.State);
            Assert.Equal((0, 0, 0), (session.IncomingUnsettled.Count, session.OutgoingUnsettled.Count, session.PartialSends));
            Assert.All(session.Links, static l => Assert.True(l.IsAttached));
        }
        Assert.Equal((0L, 0L), (Client.Engine.PartialBytes, Hub.Engine.PartialBytes));
        Assert.Equal(Live.Count(), Client.Engine.LinkCount);
        Assert.Equal(Live.Count(), Hub.Engine.LinkCount);
    }

    private void Close()
    {
        (_random.Next(2) == 0 ? Client : Hub).Engine.Close();
        if (_random.Next(4) == 0)
            Hub.Engine.Close();
        for (var i = 0; i < 10; i++)
        {
            Client.Flush();
            Hub.Flush();
            Client.Deliver(Client.UnderWay);
            Hub.Deliver(Hub.UnderWay);
        }
    }

    private void CheckForgotten()
    {
        foreach (var end in new[] { Client, Hub })
        {
            Assert.True(end.IsClosed);
            Assert.True(end.Engine.IsEnded);
            Assert.Empty(end.Engine.Sessions);
            Assert.Equal((0, 0L), (end.Engine.LinkCount, end.Engine.PartialBytes));
            Assert.Equal(0, end.UnderWay);
        }
    }

    private AmqpConnectionOptions Options(ConnectionRole role) => new()
    {
        Role = role,
        LocalOpen = new Open { ContainerId = role.ToString() },
        SaslMechanisms = ["ANONYMOUS"],
        SaslInit = role == ConnectionRole.Client && !_bare ? new SaslInit { Mechanism = "ANONYMOUS" } : null,
        FirstDeliveryId = FirstIds[_random.Next(FirstIds.Length)],
        FirstTransferId = FirstIds[_random.Next(FirstIds.Length)],
        Limits = new AmqpLimits
        {
            FrameSizeBytesMax = FrameSizes[_random.Next(FrameSizes.Length)],
            IncomingWindow = Windows[_random.Next(Windows.Length)],
            UnsettledMax = 60,
        },
    };
}
