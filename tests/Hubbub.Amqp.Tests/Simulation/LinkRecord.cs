using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Simulation;

/// <summary>
/// What both ends of one link did: the model that the engines are held against. Messages are numbered; the bytes of
/// each follow from its number, so the receiving end needs no copy to compare with.
/// </summary>
internal sealed class LinkRecord(string name, Role clientRole, ReceiverSettleMode mode)
{
    private readonly List<(int Length, bool Settled)> _sent = [];
    private readonly List<DeliveryState?> _outcomes = [];
    private readonly HashSet<int> _updated = [];
    private readonly HashSet<int> _finished = [];

    public string Name { get; } = name;

    /// <summary>The client's role: a sender, or a receiver.</summary>
    public Role ClientRole { get; } = clientRole;

    public ReceiverSettleMode Mode { get; } = mode;

    public SenderLink? Sender { get; set; }

    public ReceiverLink? Receiver { get; set; }

    /// <summary>Some side has detached it, or ended its session: what was under way may be lost.</summary>
    public bool IsOver { get; set; }

    /// <summary>Unsettled deliveries that the receiving owner has not dealt with: id and number.</summary>
    public List<(uint Id, int Number)> Open { get; } = [];

    /// <summary>Settled ones that it has not released.</summary>
    public uint Unreleased { get; set; }

    public int Sent => _sent.Count;

    public int Received { get; private set; }

    /// <summary>Every delivery that wanted an outcome has had its last word.</summary>
    public bool AllSettled => Enumerable.Range(0, Sent).All(i => _sent[i].Settled || _finished.Contains(i));

    public bool IsOf(AmqpSession session) => Sender?.Session == session || Receiver?.Session == session;

    /// <summary>Notes a message that goes out now; gives its number.</summary>
    public int OnSent(int length, bool settled)
    {
        _sent.Add((length, settled));
        _outcomes.Add(null);
        return Sent - 1;
    }

    public byte[] Message(int number)
    {
        var message = new byte[_sent[number].Length];
        new Random(HashCode.Combine(Name.Length, number)).NextBytes(message);
        return message;
    }

    public byte[] Tag(int number) => BitConverter.GetBytes(number);

    public void OnReceived(in IncomingDelivery delivery)
    {
        var number = Received++;
        Assert.True(number < Sent, $"{Name}: a message came that was never sent.");
        Assert.Equal(Tag(number), delivery.Tag.ToArray());
        Assert.Equal(_sent[number].Settled, delivery.Settled);
        Assert.True(
            delivery.Payload.Span.SequenceEqual(Message(number)), $"{Name}: message {number} came with other bytes.");
        if (delivery.Settled)
            Unreleased++;
        else
            Open.Add((delivery.Id, number));
    }

    /// <summary>The receiving owner settles a range of ids; gives how many of this link it meant.</summary>
    public int OnSettling(uint first, uint last, DeliveryState state)
    {
        var width = SequenceNumber.Distance(last, first);
        var meant = Open.Where(o => SequenceNumber.Distance(o.Id, first) is >= 0 and var d && d <= width).ToList();
        foreach (var (id, number) in meant)
        {
            Assert.Null(_outcomes[number]);
            _outcomes[number] = state;
            Open.Remove((id, number));
        }
        return meant.Count;
    }

    /// <summary>The sending owner hears of an outcome.</summary>
    public void OnUpdated(int number, DeliveryState? state, bool remoteSettled)
    {
        Assert.Equal(_outcomes[number], state);
        Assert.Equal(Mode == ReceiverSettleMode.First, remoteSettled);
        Assert.True(_updated.Add(number), $"{Name}: message {number} had two outcomes.");
        _finished.Add(number);
    }
}
