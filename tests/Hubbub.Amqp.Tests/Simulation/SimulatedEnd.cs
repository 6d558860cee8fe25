using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Framing;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Simulation;

/// <summary>One engine with its owner, and the bytes that are on their way to it.</summary>
internal sealed class SimulatedEnd
{
    private readonly Dictionary<string, LinkRecord> _records;
    private readonly Random _random;
    private readonly List<byte> _arrived = [];
    private readonly List<byte> _underWay = [];
    private ByteBuffer _spare = new();

    public SimulatedEnd(AmqpConnectionOptions options, Dictionary<string, LinkRecord> records, Random random)
    {
        _records = records;
        _random = random;
        Engine = new AmqpConnection(options);
    }

    public AmqpConnection Engine { get; }

    public SimulatedEnd Other { get; set; } = null!;

    /// <summary>Everything that was ever sent to this end: the fuzzer's corpus.</summary>
    public List<byte> Recording { get; } = [];

    /// <summary>Sender links whose drain the owner has yet to answer.</summary>
    public List<SenderLink> Draining { get; } = [];

    public int UnderWay => _underWay.Count;

    public bool IsClosed { get; private set; }

    public bool IsClosing { get; set; }

    /// <summary>Moves what the engine has written to the other end's side of the wire.</summary>
    public void Flush()
    {
        TakeEvents();
        var full = Engine.SwapOutput(_spare);
        var bytes = full.WrittenSpan;
        CheckFrames(bytes);
        Other._underWay.AddRange(bytes);
        Other.Recording.AddRange(bytes);
        // Whoever still holds a slice of it must not find it intact.
        bytes.Fill(0xEE);
        full.Clear();
        _spare = full;
    }

    /// <summary>Hands over some of the bytes under way.</summary>
    public void Deliver(int count)
    {
        _arrived.AddRange(_underWay.GetRange(0, count));
        _underWay.RemoveRange(0, count);
        var input = new ReadOnlyMemory<byte>(_arrived.ToArray());
        var total = 0;
        while (true)
        {
            var happened = Engine.TryReceive(input[total..], out var consumed, out var e);
            total += consumed;
            if (!happened)
                break;
            OnEvent(e);
        }
        _arrived.RemoveRange(0, total);
        Flush();
    }

    private void TakeEvents()
    {
        while (Engine.TryReceive(default, out _, out var e))
            OnEvent(e);
    }

    private void OnEvent(in AmqpEvent e)
    {
        switch (e.Kind)
        {
            case AmqpEventKind.Opened:
                if (Engine.State == ConnectionState.Open)
                    Engine.AcceptOpen();
                break;
            case AmqpEventKind.SaslInit:
                Engine.CompleteSasl(SaslCode.Ok);
                break;
            case AmqpEventKind.LinkAttached:
                OnAttached(e.Link!);
                break;
            case AmqpEventKind.Delivery:
                Record(e.Link!).OnReceived(e.Delivery);
                break;
            case AmqpEventKind.DeliveryUpdated:
                var sender = (SenderLink)e.Link!;
                Record(sender).OnUpdated((int)e.Token!, e.State, e.RemoteSettled);
                if (!e.RemoteSettled)
                    sender.Settle(e.Delivery.Id, e.State);
                break;
            case AmqpEventKind.LinkFlow:
                if (e.Link is SenderLink { IsDraining: true } draining && !Draining.Contains(draining))
                    Draining.Add(draining);
                break;
            case AmqpEventKind.LinkDetached:
                Assert.Null(e.Error);
                Over(e.Link!);
                break;
            case AmqpEventKind.SessionEnded:
                Assert.Null(e.Error);
                var session = e.Session;
                foreach (var record in _records.Values.Where(r => r.IsOf(session!)))
                    record.IsOver = true;
                break;
            case AmqpEventKind.Closed:
                Assert.True(e.Error is null, $"{e.Error}");
                Assert.False(IsClosed);
                IsClosed = true;
                break;
        }
    }

    private void OnAttached(AmqpLink link)
    {
        var record = Record(link);
        if (link is SenderLink sender)
            record.Sender = sender;
        else
            record.Receiver = (ReceiverLink)link;
        if (link.State != LinkState.AttachReceived)
            return;
        link.Accept(new Attach
        {
            Name = link.Name,
            Handle = 0,
            Role = link.Role,
            Source = link.RemoteAttach!.Source,
            Target = link.RemoteAttach!.Target,
        });
        if (link is ReceiverLink receiver && _random.Next(2) == 0)
            receiver.Grant((uint)_random.Next(1, 50));
    }

    private LinkRecord Record(AmqpLink link) => _records[link.Name];

    private void Over(AmqpLink link) => Record(link).IsOver = true;

    /// <summary>No frame may be larger than the peer takes, whatever else is true of it.</summary>
    private void CheckFrames(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (bytes.StartsWith("AMQP"u8))
            {
                bytes = bytes[ProtocolHeader.Size..];
                continue;
            }
            var size = FrameReader.BytesNeeded(bytes, uint.MaxValue);
            Assert.InRange((uint)size, 8u, Math.Max(512, Engine.RemoteFrameSizeBytesMax));
            bytes = bytes[size..];
        }
    }
}
