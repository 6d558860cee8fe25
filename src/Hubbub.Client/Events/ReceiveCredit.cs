namespace Hubbub.Client.Events;

/// <summary>
/// How many events a partition may have under way: it starts small, doubles while the reader takes them, and stays
/// below what fits into memory for events of the size seen. Arithmetic only.
/// </summary>
internal struct ReceiveCredit(uint max)
{
    private readonly uint _max = Math.Max(1, max);

    /// <summary>The credit now.</summary>
    public uint Value { get; private set; } = Math.Min(ClientLimits.CreditInitial, Math.Max(1, max));

    /// <summary>Takes note of events that the reader has taken.</summary>
    public void Update(uint count, long bytes)
    {
        if (count == 0)
            return;
        var average = Math.Max(1, bytes / count);
        var fitting = (uint)Math.Clamp(ClientLimits.CreditBytes / average, 1, _max);
        Value = Math.Min(fitting, Value > _max / 2 ? _max : Value * 2);
    }
}
