using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Connections;

/// <summary>
/// One link of a client, from its attach to its end. All but the properties and
/// <see cref="Flush"/> is called under the driver's lock.
/// </summary>
internal abstract class ClientLink(string address)
{
    private readonly TaskCompletionSource _attached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<HubbubException> _ended =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The connection; null before it is attached to one.</summary>
    public AmqpClientConnection? Connection { get; private set; }

    /// <summary>What it leads to; in error texts.</summary>
    public string Address { get; } = address;

    /// <summary>Completes when the peer has taken the link; faults when it refused it.</summary>
    public Task Attached => _attached.Task;

    /// <summary>Completes with the reason when the link is over. Never faults.</summary>
    public Task<HubbubException> Ended => _ended.Task;

    /// <summary>True when the link has ended, or was given up.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The engine's link; null before it is attached.</summary>
    public AmqpLink? Link { get; private set; }

    public void Start(AmqpClientConnection connection, AmqpLink link)
    {
        Connection = connection;
        Link = link;
        link.Context = this;
    }

    /// <summary>The peer's attach has come.</summary>
    public void OnAttached()
    {
        // AMQP 2.6.3: an attach without the peer's terminus announces a detach that says why.
        var remote = Link!.RemoteAttach!;
        if ((Link.Role == Role.Receiver ? remote.Source : remote.Target) is null)
            return;
        if (HasEnded)
        {
            // It was given up while the attach was under way.
            Link.Detach();
            return;
        }
        OnReady();
        _attached.TrySetResult();
    }

    /// <summary>The link is over, for this reason; only the first call counts.</summary>
    public void OnEnded(HubbubException end)
    {
        if (HasEnded)
            return;
        HasEnded = true;
        _attached.TrySetException(end);
        // The attach may have been given up already; then nobody looks at this.
        _ = _attached.Task.Exception;
        OnStopped(end);
        _ended.TrySetResult(end);
    }

    public abstract void OnEvent(in AmqpEvent e);

    /// <summary>
    /// Another connection takes the place of this one: a link that comes back there begins nothing any more, and lets
    /// go by <see cref="AmqpClientConnection.GiveBack"/> when it is done.
    /// </summary>
    /// <param name="isOverdue">True when it has had its time to become done.</param>
    public virtual void OnRetiring(bool isOverdue)
    {
    }

    /// <summary>
    /// What was read has been dealt with: now is the time to tell others about it, once for all. By the reading side,
    /// without the driver's lock, when <see cref="AmqpClientConnection.FlushLater"/> was called.
    /// </summary>
    public virtual void Flush()
    {
    }

    protected abstract void OnReady();

    protected abstract void OnStopped(HubbubException end);
}
