using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Amqp.Engine;

// Attach and detach (AMQP 2.6.3 to 2.6.6).
public sealed partial class AmqpSession
{
    internal bool OnAttach(Attach attach, ref AmqpLink? link, ref AmqpEvent e)
    {
        if (State == SessionState.EndSent)
            return false;
        Check(attach);
        var known = FindByName(attach.Name, attach.Role);
        if (known is { AwaitsAttach: true })
        {
            // We detached before the peer's attach had come: its detach, which follows, frees the handles.
            _linksByRemoteHandle.Add(attach.Handle, known);
            known.OnAttach(attach);
            return false;
        }
        if (known is { State: LinkState.AttachSent })
        {
            link = known;
        }
        else
        {
            if (Connection.LinkCount >= _limits.LinksMax)
            {
                throw SessionError(
                    ErrorCondition.ResourceLimitExceeded, $"The connection has {_limits.LinksMax} links already.");
            }
            if (known is { IsDetached: false })
                Steal(known);
            link = attach.Role == Role.Sender ? new ReceiverLink(this, attach.Name) : new SenderLink(this, attach.Name);
            if (!TryAllocateHandle(link))
            {
                throw SessionError(
                    ErrorCondition.ResourceLimitExceeded, $"The peer allows no handle above {RemoteBegin?.HandleMax}.");
            }
        }
        _linksByRemoteHandle.Add(attach.Handle, link);
        link.OnAttach(attach);
        if (attach.IncompleteUnsettled || attach.Unsettled is { Count: > 0 })
        {
            // Deliveries end with their link here, so there is nothing to resume (AMQP 2.6.13).
            link.Refuse(new AmqpError
            {
                Condition = ErrorCondition.NotImplemented,
                Description = "Links cannot be resumed: attach without unsettled deliveries.",
            });
            return false;
        }
        e.Kind = AmqpEventKind.LinkAttached;
        e.Session = this;
        e.Link = link;
        return true;
    }

    /// <summary>Throws when the peer may not attach like this.</summary>
    private void Check(Attach attach)
    {
        // AMQP 2.7.2: a handle above handle-max is a framing error.
        if (attach.Handle > _limits.HandleMax)
        {
            throw new AmqpException(
                ErrorScope.Connection,
                ErrorCondition.FramingError,
                $"Handle {attach.Handle} is above handle-max {_limits.HandleMax}.");
        }
        if (_linksByRemoteHandle[attach.Handle] is not null)
            throw SessionError(ErrorCondition.HandleInUse, $"Handle {attach.Handle} is in use.");
        if (attach.Name.Length > _limits.LinkNameBytesMax)
        {
            throw SessionError(
                ErrorCondition.InvalidField, $"A link name has more than {_limits.LinkNameBytesMax} characters.");
        }
        if (attach.Role == Role.Sender && attach.InitialDeliveryCount is null)
        {
            throw SessionError(
                ErrorCondition.InvalidField, "A sender's attach must have initial-delivery-count (AMQP 2.7.3).");
        }
    }

    internal bool OnDetach(Detach detach, ref AmqpLink? link, ref AmqpEvent e)
    {
        if (State == SessionState.EndSent)
            return false;
        link = _linksByRemoteHandle[detach.Handle];
        // Both sides may detach at once, and some peers then answer although they began: it is gone either way.
        if (link is null)
            return false;
        var report = link.OnDetach(detach);
        Detached(link);
        if (!report)
            return false;
        e.Kind = AmqpEventKind.LinkDetached;
        e.Session = this;
        e.Link = link;
        e.Error = detach.Error;
        e.ByPeer = true;
        return true;
    }

    // AMQP 2.6.1: a name is attached once per direction, the newest link wins. Only within the session: SDKs use the
    // same names on every session of a pooled connection.
    private static void Steal(AmqpLink known)
    {
        var error = new AmqpError
        {
            Condition = ErrorCondition.LinkStolen,
            Description = $"A new link named '{known.Name}' was attached in the same session.",
        };
        known.Detach(error);
        known.ReportDetached(error, byPeer: false);
    }

    private AmqpLink? FindByName(string name, Role remoteRole)
    {
        for (uint handle = 0; handle < _linksByHandle.Capacity; handle++)
        {
            if (_linksByHandle[handle] is { } link && (!link.IsDetached || link.AwaitsAttach)
                && link.Role != remoteRole && link.Name == name)
                return link;
        }
        return null;
    }

    private bool TryAllocateHandle(AmqpLink link)
    {
        var handle = _linksByHandle.LowestFree();
        if (handle > (RemoteBegin?.HandleMax ?? uint.MaxValue))
            return false;
        link.Handle = handle;
        _linksByHandle.Add(handle, link);
        Connection.LinkCount++;
        return true;
    }

    private void Detached(AmqpLink link)
    {
        if (_linksByHandle.Remove(link.Handle, link))
            Connection.LinkCount--;
        if (link.RemoteHandle is { } remote)
            _linksByRemoteHandle.Remove(remote, link);
        link.Forget();
    }

    private void ForgetLinks()
    {
        // First the rings, all at once, so that no link has to look for its share.
        OutgoingUnsettled.Clear();
        IncomingUnsettled.Clear();
        for (uint handle = 0; handle < _linksByHandle.Capacity; handle++)
            _linksByHandle[handle]?.Forget();
        Connection.LinkCount -= _linksByHandle.Count;
        _linksByHandle.Clear();
        _linksByRemoteHandle.Clear();
    }

    private static AmqpException SessionError(string condition, string message) =>
        new(ErrorScope.Session, condition, message);
}
