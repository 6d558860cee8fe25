namespace Hubbub.Storage.Tests.Simulation;

/// <summary>
/// A file's bytes as programs see them, its bytes as the platter holds them, and what is on its way from one to the
/// other.
/// </summary>
internal sealed class SimulatedInode
{
    public const int SectorSize = 512;

    /// <summary>What has not been synced, oldest first.</summary>
    private readonly List<Change> _pending = [];
    private byte[] _durable = [];
    private byte[] _current = [];

    public int Length { get; private set; }

    private int DurableLength { get; set; }

    public Span<byte> Bytes => _current.AsSpan(0, Length);

    public void Write(ReadOnlySpan<byte> data, long offset)
    {
        Apply(ref _current, data, (int)offset);
        Length = Math.Max(Length, (int)offset + data.Length);
        _pending.Add(new Change((int)offset, data.ToArray(), -1));
    }

    public void SetLength(long length)
    {
        if (length < Length)
            _current.AsSpan((int)length, Length - (int)length).Clear();
        else
            Grow(ref _current, (int)length);
        Length = (int)length;
        _pending.Add(new Change(0, [], (int)length));
    }

    /// <summary>Changes bytes behind everybody's back, on the platter too.</summary>
    public void Damage(int offset, ReadOnlySpan<byte> data)
    {
        Apply(ref _current, data, offset);
        Apply(ref _durable, data, offset);
    }

    public void Sync() => Settle(static () => true);

    /// <summary>
    /// A sync failed: as Linux does, some of what was written reached the disk, the rest never will (not at a later
    /// sync either), and programs go on seeing all of it until the power goes.
    /// </summary>
    public void ForgetUnsynced(Random random) => Settle(Survival(random));

    /// <summary>The power goes: of what was not synced, any subset of sectors and size changes has arrived.</summary>
    public void CutPower(Random random)
    {
        Settle(Survival(random));
        _current = (byte[])_durable.Clone();
        Length = DurableLength;
    }

    private static Func<bool> Survival(Random random)
    {
        var survival = random.Next(4) switch { 0 => 0.0, 1 => 1.0, _ => random.NextDouble() };
        return () => random.NextDouble() < survival;
    }

    /// <summary>
    /// Decides for each sector and each size change that is under way whether it reaches the platter.
    /// </summary>
    private void Settle(Func<bool> arrives)
    {
        foreach (var change in _pending)
        {
            if (change.NewLength >= 0)
            {
                if (arrives())
                    SetDurableLength(change.NewLength);
                continue;
            }
            for (var at = 0; at < change.Data.Length;)
            {
                var sectorEnd = (((change.Offset + at) / SectorSize) + 1) * SectorSize;
                var end = Math.Min(sectorEnd - change.Offset, change.Data.Length);
                if (arrives())
                {
                    Apply(ref _durable, change.Data.AsSpan(at, end - at), change.Offset + at);
                    DurableLength = Math.Max(DurableLength, change.Offset + end);
                }
                at = end;
            }
        }
        _pending.Clear();
    }

    private void SetDurableLength(int length)
    {
        if (length < DurableLength)
            _durable.AsSpan(length, DurableLength - length).Clear();
        Grow(ref _durable, length);
        DurableLength = length;
    }

    private static void Apply(ref byte[] target, ReadOnlySpan<byte> data, int offset)
    {
        Grow(ref target, offset + data.Length);
        data.CopyTo(target.AsSpan(offset));
    }

    private static void Grow(ref byte[] target, int length)
    {
        if (length > target.Length)
            Array.Resize(ref target, Math.Max(length, target.Length * 2));
    }

    private sealed record Change(int Offset, byte[] Data, int NewLength);
}
