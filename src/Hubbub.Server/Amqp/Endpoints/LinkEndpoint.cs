using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// What serves one link. Called under its connection's lock, except <see cref="Prepare"/>, which the writing side calls
/// without it.
/// </summary>
internal abstract class LinkEndpoint(HubConnection connection, AmqpLink link)
{
    private int _queued;
    private volatile AmqpError? _displaced;

    public HubConnection Connection { get; } = connection;

    public AmqpLink Link { get; } = link;

    /// <summary>What the link was authorised by; null where no claim is needed.</summary>
    public ClaimSlot? Claim { get; private set; }

    /// <summary>The device that the link acts for; null for services.</summary>
    public virtual string? DeviceId => null;

    /// <summary>The module of that device, where the link acts for one.</summary>
    public virtual string? ModuleId => null;

    /// <summary>Deliveries that the peer may have under way, where it is the one that sends.</summary>
    public virtual uint Credit => 0;

    /// <summary>Capabilities of the answer to the attach.</summary>
    public virtual Symbol[]? OfferedCapabilities => null;

    /// <summary>True while the endpoint owes the peer the outcome of something that it has sent.</summary>
    public virtual bool HasInFlight => false;

    /// <summary>
    /// True while the endpoint waits in its connection's list; set and cleared by the connection only.
    /// </summary>
    public bool TryQueue() => Interlocked.Exchange(ref _queued, 1) == 0;

    /// <summary>
    /// The writing side begins to look at the endpoint: what happens from here on queues it again. A full fence, or
    /// the looks that follow could be taken before the flag is seen, and a wake-up lost.
    /// </summary>
    public void Dequeued() => Interlocked.Exchange(ref _queued, 0);

    /// <summary>Whether a claim permits this link; asked again when the one that it stands on ends.</summary>
    public virtual bool IsPermittedBy(Claim claim) => true;

    /// <summary>Has the link rest on a claim: the first one, or another when that has ended.</summary>
    public virtual void StandOn(ClaimSlot claim) => Claim = claim;

    /// <summary>
    /// Why the identity that the link acts for is no longer what it was; null when it is, or there is none.
    /// </summary>
    public virtual HubError? WhyIdentityGone() => null;

    /// <summary>Ends the link with a reason, from any thread.</summary>
    public void Displace(AmqpError error)
    {
        _displaced = error;
        Connection.Wake(this);
    }

    /// <summary>The link is in service; called once, under the lock.</summary>
    public virtual void OnAccepted()
    {
    }

    /// <summary>A message has come.</summary>
    public virtual void OnDelivery(in IncomingDelivery delivery)
    {
    }

    /// <summary>The peer told the state of a message sent to it.</summary>
    public virtual void OnUpdated(in AmqpEvent e)
    {
    }

    /// <summary>Work that may wait for a disk, without the lock; only on the writing side.</summary>
    public virtual void Prepare()
    {
    }

    /// <summary>Settles and sends what is due while the connection's output is below a bound.</summary>
    /// <returns>True when there is more to do as soon as this has been written.</returns>
    public bool OnWritable(int outputBytesMax)
    {
        if (_displaced is { } error && Link.IsAttached)
        {
            Link.Detach(error);
            Connection.LinkEnded(this, error);
            return false;
        }
        return Pump(outputBytesMax);
    }

    /// <summary>The link is over; called once, under the lock.</summary>
    public virtual void OnStopped()
    {
    }

    protected virtual bool Pump(int outputBytesMax) => false;
}
