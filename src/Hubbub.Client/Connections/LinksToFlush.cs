namespace Hubbub.Client.Connections;

/// <summary>
/// The links that have news for others from what is being read: told when all of it has been dealt with and the
/// driver's lock is free, so that many outcomes, or many events, cost one wake-up.
/// </summary>
internal sealed class LinksToFlush
{
    private readonly Lock _gate = new();
    private List<ClientLink> _waiting = [];
    private List<ClientLink> _working = [];

    /// <summary>A link has news. It says so once, until it is flushed.</summary>
    public void Add(ClientLink link)
    {
        lock (_gate)
            _waiting.Add(link);
    }

    /// <summary>Has them tell it. By the reading side only, without the driver's lock.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_waiting.Count == 0)
                return;
            (_waiting, _working) = (_working, _waiting);
        }
        foreach (var link in _working)
            link.Flush();
        _working.Clear();
    }
}
