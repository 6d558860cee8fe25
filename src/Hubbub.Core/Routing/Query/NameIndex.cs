using System.Numerics;
using System.Text;

namespace Hubbub.Core.Routing.Query;

/// <summary>
/// Finds which of a few known names some bytes are. A name of the right length, first and last byte is nearly always
/// the right one, so one comparison is all it takes.
/// </summary>
internal sealed class NameIndex
{
    private readonly byte[][] _names;
    private readonly bool _ignoreCase;
    private readonly bool _isAscii;
    private readonly int[] _heads;
    private readonly int[] _next;
    private readonly int _mask;

    /// <param name="names">The names; when case is ignored, in lower case.</param>
    /// <param name="ignoreCase">Whether case is ignored.</param>
    public NameIndex(IReadOnlyList<string> names, bool ignoreCase)
    {
        _names = [.. names.Select(Encoding.UTF8.GetBytes)];
        _ignoreCase = ignoreCase;
        _isAscii = Array.TrueForAll(_names, static name => Ascii.IsValid(name));
        _mask = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, names.Count * 2)) - 1;
        _heads = new int[_mask + 1];
        _next = new int[names.Count];
        Array.Fill(_heads, -1);
        for (var i = 0; i < _names.Length; i++)
        {
            ref var head = ref _heads[Bucket(_names[i])];
            _next[i] = head;
            head = i;
        }
    }

    public int Count => _names.Length;

    /// <summary>The index of a name, or -1.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        for (var i = _heads[Bucket(name)]; i >= 0; i = _next[i])
        {
            var known = _names[i];
            if (_ignoreCase ? EqualsIgnoringCase(known, name) : name.SequenceEqual(known))
                return i;
        }
        return -1;
    }

    /// <summary>The bytes of a name.</summary>
    public ReadOnlySpan<byte> this[int index] => _names[index];

    private int Bucket(ReadOnlySpan<byte> name)
    {
        // Beyond ASCII, upper and lower case may differ in anything, even in length.
        if (name.IsEmpty || (_ignoreCase && !_isAscii && !Ascii.IsValid(name)))
            return 0;
        // Bit 0x20 is what upper and lower case differ in.
        return (name.Length + ((name[0] | 0x20) * 31) + ((name[^1] | 0x20) * 7)) & _mask;
    }

    private bool EqualsIgnoringCase(byte[] known, ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual(known))
            return true;
        if (_isAscii || Ascii.IsValid(name))
            return name.Length == known.Length && Ascii.EqualsIgnoreCase(name, known);
        return Encoding.UTF8.GetString(name).Equals(Encoding.UTF8.GetString(known), StringComparison.OrdinalIgnoreCase);
    }
}
