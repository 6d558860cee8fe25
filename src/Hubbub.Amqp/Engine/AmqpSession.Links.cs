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
        // AMQP 2.7.2: a handle above handle-max is a framing error.
        if (attach.Handle > _limits.HandleMax)
        {
            throw new AmqpException(
                ErrorScope.Connection,
                ErrorCondition.FramingError,
                $"Handle {attach.Handle} is above handle-max {_limits.HandleMax}.");
        }
        if (RemoteLink(attach.Handle) is not null)
            throw SessionError(ErrorCondition.HandleInUse, $"Handle {attach.Handle} is in use.");
        if (attach.Name.Length > _limits.LinkNameBytesMax)
            throw SessionError(ErrorCondition.InvalidField, $"A link name has more than {_limits.LinkNameBytesMax} characters.");
        if (attach.Role == Role.Sender && attach.InitialDeliveryCount is null)
            throw SessionError(ErrorCondition.InvalidField, "A sender's attach must have initial-delivery-count (AMQP 2.7.3).");
        var known = FindByName(attach.Name, attach.Role);
        if (known is { State: LinkState.AttachSent })
        {
            link = known;
        }
        else
        {
            if (Connection.LinkCount >= _limits.LinksMax)
                throw SessionError(ErrorCondition.ResourceLimitExceeded, $"The connection has {_limits.LinksMax} links already.");
            if (known is { IsDetached: false })
                Steal(known);
            link = attach.Role == Role.Sender ? new ReceiverLink(this, attach.Name) : new SenderLink(this, attach.Name);
            link.Handle = AllocateHandle(link);
        }
        StoreRemote(attach.Handle, link);
        link.OnAttach(attach);
        e.Kind = AmqpEventKind.LinkAttached;
        e.Session = this;
        e.Link = link;
        return true;
    }

    internal bool OnDetach(Detach detach, ref AmqpLink? link, ref AmqpEvent e)
    {
        if (State == SessionState.EndSent)
            return false;
        link = RemoteLink(detach.Handle)
            ?? throw SessionError(ErrorCondition.UnattachedHandle, $"Detach names handle {detach.Handle}, which is not attached.");
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

    private AmqpLink? RemoteLink(uint handle) =>
        handle < (uint)_linksByRemoteHandle.Length ? _linksByRemoteHandle[handle] : null;

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
        foreach (var link in _linksByHandle)
        {
            if (link is not null && link.State != LinkState.DetachSent && link.Role != remoteRole && link.Name == name)
                return link;
        }
        return null;
    }

    private void StoreRemote(uint handle, AmqpLink link)
    {
        if (handle >= (uint)_linksByRemoteHandle.Length)
        {
            var size = (int)Math.Min(Math.Max(handle + 1, (uint)_linksByRemoteHandle.Length * 2), _limits.HandleMax + 1);
            Array.Resize(ref _linksByRemoteHandle, size);
        }
        _linksByRemoteHandle[handle] = link;
    }

    private static AmqpException SessionError(string condition, string message) =>
        new(ErrorScope.Session, condition, message);
}
