using System.Buffers;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>
/// A piece of a segment in memory: whole batches, each verified once. Cursors and recovery read through it.
/// The buffer is pooled; without one the window costs next to nothing.
/// </summary>
internal sealed class BatchWindow(uint checksumSeed, int readBytes)
{
    private byte[] _buffer = [];
    private int _filled;
    private long _nextSequence = -1;
    private uint? _lastCrc;
    private IStorageFile? _file;

    /// <summary>The loaded bytes; batches stand in it from 0 to <see cref="Verified"/>.</summary>
    public byte[] Buffer => _buffer;

    /// <summary>The position in the partition of the first byte of <see cref="Buffer"/>.</summary>
    public long Position { get; private set; }

    /// <summary>The end of the last verified batch in <see cref="Buffer"/>.</summary>
    public int Verified { get; private set; }

    /// <summary>What was stored and what was computed where <see cref="Load"/> said Damaged.</summary>
    public (uint Expected, uint Actual) Mismatch { get; private set; }

    /// <summary>
    /// Says which batch must come next, so that a lost or stale one is noticed; no arguments: any.
    /// </summary>
    public void Expect(long sequence = -1, uint? previousCrc = null) =>
        (_nextSequence, _lastCrc) = (sequence, previousCrc);

    /// <summary>Loads and verifies what begins at a position: at least one batch, as many as fit otherwise.</summary>
    /// <param name="file">The segment's file.</param>
    /// <param name="basePosition">The position in the partition of the file's first byte.</param>
    /// <param name="position">Where a batch must begin.</param>
    /// <param name="end">Where batches end; beyond <paramref name="position"/>.</param>
    /// <returns>False when the first batch is damaged (<see cref="Mismatch"/>).</returns>
    public bool Load(IStorageFile file, long basePosition, long position, long end)
    {
        KeepRest(file, position);
        var wanted = (int)Math.Min(readBytes, end - position);
        Fill(basePosition, wanted);
        while (Verified < _filled)
        {
            var rest = _buffer.AsSpan(Verified, _filled - Verified);
            var at = position + Verified;
            if (rest.Length < BatchHeader.Size && Verified > 0)
                break;
            Mismatch = default;
            if (!BatchHeader.TryRead(rest, out var header) || header.Position != at || header.End > end)
                break;
            if (header.Length > rest.Length)
            {
                if (Verified > 0)
                    break;
                Fill(basePosition, header.Length);
                if (_filled < header.Length)
                    break;
                rest = _buffer.AsSpan(0, header.Length);
            }
            if (!Verify(rest[..header.Length], header))
                break;
            Verified += header.Length;
        }
        if (Verified == 0)
            _file = null;
        return Verified > 0;
    }

    /// <summary>Gives the buffer back to the pool.</summary>
    public void Release()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        (_filled, Verified) = (0, 0);
        _file = null;
    }

    private bool Verify(ReadOnlySpan<byte> batch, in BatchHeader header)
    {
        var actual = BatchHeader.ComputeCrc(batch, checksumSeed);
        Mismatch = (header.Crc, actual);
        if (actual != header.Crc)
            return false;
        var follows = (_nextSequence < 0 || header.BaseSequence == _nextSequence)
            && (_lastCrc is not { } lastCrc || header.PreviousCrc == lastCrc);
        if (!follows)
            return false;
        (_nextSequence, _lastCrc) = (header.NextSequence, header.Crc);
        return true;
    }

    /// <summary>Moves what was read ahead of the last whole batch to the front, so that it is not read again.</summary>
    private void KeepRest(IStorageFile file, long position)
    {
        if (ReferenceEquals(file, _file) && position == Position + Verified)
        {
            _buffer.AsSpan(Verified, _filled - Verified).CopyTo(_buffer);
            _filled -= Verified;
        }
        else
        {
            _filled = 0;
        }
        (_file, Position, Verified) = (file, position, 0);
    }

    private void Fill(long basePosition, int wanted)
    {
        if (wanted > _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(wanted);
            _buffer.AsSpan(0, _filled).CopyTo(larger);
            if (_buffer.Length > 0)
                ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
        if (wanted > _filled)
            _filled += _file!.Read(_buffer.AsSpan(_filled, wanted - _filled), Position - basePosition + _filled);
    }
}
