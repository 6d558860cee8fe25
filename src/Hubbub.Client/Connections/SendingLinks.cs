using System.Collections.Concurrent;
using Hubbub.Amqp.Codec;

namespace Hubbub.Client.Connections;

/// <summary>
/// The sending links of a connection that have something to do: only those are looked at, however many there are.
/// </summary>
internal sealed class SendingLinks
{
    private readonly ConcurrentQueue<SendingLink> _woken = new();

    // Under the driver's lock only.
    private readonly List<SendingLink> _listed = [];
    private volatile bool _waitForPeer;

    /// <summary>True when one at least has something to send that the peer does not take now.</summary>
    public bool WaitForPeer => _waitForPeer;

    /// <summary>A link has something to send. From anywhere.</summary>
    public void Wake(SendingLink link) => _woken.Enqueue(link);

    /// <summary>Lets them send. Under the driver's lock.</summary>
    /// <returns>True when there is more as soon as there is room.</returns>
    public bool Pump(ByteBuffer output, int bytesMax)
    {
        while (_woken.TryDequeue(out var link))
        {
            link.Woken();
            if (link.IsListed)
                continue;
            link.IsListed = true;
            _listed.Add(link);
        }
        bool more = false, wait = false;
        var kept = 0;
        for (var i = 0; i < _listed.Count; i++)
        {
            var link = _listed[i];
            var hasMore = link.Pump(output, bytesMax);
            more |= hasMore;
            wait |= link.WaitsForPeer;
            if (hasMore || link.WaitsForPeer)
                _listed[kept++] = link;
            else
                link.IsListed = false;
        }
        _listed.RemoveRange(kept, _listed.Count - kept);
        _waitForPeer = wait;
        return more;
    }
}
