namespace Hubbub.Core.Commands;

/// <summary>How many bytes of payloads are kept in memory, over all queues.</summary>
internal sealed class PayloadBudget(long bytesMax)
{
    private long _bytes;

    /// <summary>True when the payload may be kept; it is given back by <see cref="Drop"/>.</summary>
    public bool TryKeep(byte[] payload)
    {
        if (Interlocked.Add(ref _bytes, payload.Length) <= bytesMax)
            return true;
        Drop(payload);
        return false;
    }

    public void Drop(byte[] payload) => Interlocked.Add(ref _bytes, -payload.Length);
}
