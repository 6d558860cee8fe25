using System.Buffers;

namespace Hubbub.Server.Http;

/// <summary>
/// Takes lines out of a stream that comes in pieces. A line beyond the bound is passed over, however long it is, and
/// only its number is told. Ends of lines are LF or CR LF; the last line needs none.
/// </summary>
internal sealed class LineSplitter(int lineBytesMax)
{
    private byte[] _copy = [];
    private bool _isPassingOver;

    /// <summary>The number of the line that was taken last, from 1.</summary>
    public long LineNumber { get; private set; }

    /// <summary>True when the line that was taken last is beyond the bound, and empty here.</summary>
    public bool IsTooLong { get; private set; }

    /// <summary>Takes the next line, and leaves in <paramref name="buffer"/> what follows it.</summary>
    /// <param name="isEnd">True when nothing follows the buffer.</param>
    /// <returns>False when more has to be read first. A line is valid until the next call.</returns>
    public bool TryTake(ref ReadOnlySequence<byte> buffer, bool isEnd, out ReadOnlySpan<byte> line)
    {
        line = default;
        var end = buffer.PositionOf((byte)'\n');
        if (end is null && !(isEnd && (_isPassingOver || !buffer.IsEmpty)))
        {
            if (buffer.Length > lineBytesMax)
            {
                _isPassingOver = true;
                buffer = buffer.Slice(buffer.End);
            }
            return false;
        }
        var whole = end is null ? buffer : buffer.Slice(0, end.Value);
        buffer = buffer.Slice(end is null ? buffer.End : buffer.GetPosition(1, end.Value));
        LineNumber++;
        IsTooLong = _isPassingOver || whole.Length > lineBytesMax;
        _isPassingOver = false;
        if (IsTooLong)
            return true;
        line = whole.IsSingleSegment ? whole.FirstSpan : Copy(whole);
        if (line.EndsWith("\r"u8))
            line = line[..^1];
        if (LineNumber == 1 && line.StartsWith("\uFEFF"u8))
            line = line[3..];
        return true;
    }

    private ReadOnlySpan<byte> Copy(ReadOnlySequence<byte> whole)
    {
        if (_copy.Length < whole.Length)
            _copy = new byte[Math.Max((int)whole.Length, 2 * _copy.Length)];
        whole.CopyTo(_copy);
        return _copy.AsSpan(0, (int)whole.Length);
    }
}
