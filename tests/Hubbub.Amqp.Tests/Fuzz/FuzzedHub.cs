using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Tests.Fuzz;

/// <summary>A hub's engine with an owner that accepts everything and uses every call there is.</summary>
internal sealed class FuzzedHub
{
    private static readonly byte[] Message = new byte[700];
    private readonly Random _random;
    private readonly byte[] _input;
    private int _start;
    private int _end;

    public FuzzedHub(Random random, int inputBytesMax)
    {
        _random = random;
        _input = new byte[inputBytesMax];
        Engine = new AmqpConnection(new AmqpConnectionOptions
        {
            Role = ConnectionRole.Server,
            LocalOpen = new Open { ContainerId = "hub" },
            SaslMechanisms = ["PLAIN", "ANONYMOUS"],
        });
    }

    public AmqpConnection Engine { get; }

    public int Events { get; private set; }

    public int Calls { get; private set; }

    public long OutputBytes { get; private set; }

    /// <summary>Feeds bytes behind those that were not consumed.</summary>
    public void Feed(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_input.AsSpan(_end));
        _end += bytes.Length;
        while (true)
        {
            Calls++;
            var happened = Engine.TryReceive(_input.AsMemory(_start, _end - _start), out var consumed, out var e);
            _start += consumed;
            if (!happened)
                break;
            Events++;
            OnEvent(e);
        }
        OutputBytes += Engine.Output.Length;
        Engine.Output.Clear();
    }

    /// <summary>What must be true of an engine whatever it was fed.</summary>
    public void Check()
    {
        Assert.Equal(Engine.Sessions.Sum(s => s.Links.Count()), Engine.LinkCount);
        Assert.True(Engine.PartialBytes >= 0);
        if (Engine.State is not (ConnectionState.CloseSent or ConnectionState.Ended))
            return;
        Assert.Empty(Engine.Sessions);
        Assert.Equal((0, 0L), (Engine.LinkCount, Engine.PartialBytes));
    }

    private void OnEvent(in AmqpEvent e)
    {
        switch (e.Kind)
        {
            case AmqpEventKind.SaslInit:
                Engine.CompleteSasl(SaslCode.Ok);
                break;
            case AmqpEventKind.Opened:
                Engine.AcceptOpen();
                break;
            case AmqpEventKind.LinkAttached when e.Link!.RemoteAttach!.Target is Coordinator:
                e.Link.Refuse(new AmqpError { Condition = ErrorCondition.NotImplemented });
                break;
            case AmqpEventKind.LinkAttached:
                e.Link!.Accept(new Attach { Name = "", Handle = 0, Role = e.Link.Role, Source = e.Link.RemoteAttach!.Source });
                (e.Link as ReceiverLink)?.Grant(50);
                break;
            case AmqpEventKind.Delivery:
                OnDelivery((ReceiverLink)e.Link!, e.Delivery);
                break;
            case AmqpEventKind.LinkFlow when e.Link is SenderLink sender:
                for (var i = 0; i < 3 && sender.CanSend; i++)
                    sender.TrySend([1, 2, 3, 4], 0, Message, _random.Next(2) == 0, sender);
                sender.Drained();
                break;
            case AmqpEventKind.DeliveryUpdated when !e.RemoteSettled:
                ((SenderLink)e.Link!).Settle(e.Delivery.Id, e.State);
                break;
        }
    }

    private void OnDelivery(ReceiverLink link, in IncomingDelivery delivery)
    {
        if (delivery.Settled)
            link.Release(1);
        else if (_random.Next(3) > 0)
            link.Settle(delivery.Id, delivery.Id, Accepted.Instance);
        if (_random.Next(50) == 0)
            link.Detach();
        if (_random.Next(100) == 0)
            link.Session.End();
    }
}
