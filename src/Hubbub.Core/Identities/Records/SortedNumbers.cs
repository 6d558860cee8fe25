using System.Buffers.Binary;

namespace Hubbub.Core.Identities.Records;

/// <summary>
/// The numbers of a table's records in the byte order of their keys: a list of short sorted lists, so that adding and
/// removing one moves a few hundred numbers at most. Used under the lock of <see cref="IdentityIndex"/>.
/// </summary>
internal sealed class SortedNumbers
{
    private const int LeafLengthMax = 512;

    private readonly RecordTable _table;
    private readonly List<List<int>> _leaves = [];

    /// <summary>Sorts what the table holds: a quarter of a second for a million.</summary>
    public SortedNumbers(RecordTable table)
    {
        _table = table;
        var sorted = Sort(table);
        for (var from = 0; from < sorted.Length; from += LeafLengthMax / 2)
            _leaves.Add([.. sorted.AsSpan(from, Math.Min(LeafLengthMax / 2, sorted.Length - from))]);
        if (_leaves.Count == 0)
            _leaves.Add([]);
    }

    /// <summary>Adds a number whose record is in the table.</summary>
    public void Add(int number)
    {
        var key = KeyOf(number);
        var at = LeafOf(key);
        var leaf = _leaves[at];
        leaf.Insert(PositionIn(leaf, key), number);
        if (leaf.Count <= LeafLengthMax)
            return;
        var upper = leaf.GetRange(leaf.Count / 2, leaf.Count - (leaf.Count / 2));
        leaf.RemoveRange(leaf.Count / 2, upper.Count);
        _leaves.Insert(at + 1, upper);
    }

    /// <summary>Removes a number whose record is still in the table.</summary>
    public void Remove(int number)
    {
        var key = KeyOf(number);
        var at = LeafOf(key);
        _leaves[at].RemoveAt(PositionIn(_leaves[at], key));
        if (_leaves[at].Count == 0 && _leaves.Count > 1)
            _leaves.RemoveAt(at);
    }

    /// <summary>Numbers from the first key above <paramref name="after"/> on.</summary>
    public IEnumerable<int> After(byte[] after)
    {
        var at = LeafOf(after);
        var position = PositionIn(_leaves[at], after);
        if (position < _leaves[at].Count && KeyOf(_leaves[at][position]).SequenceEqual(after))
            position++;
        for (; at < _leaves.Count; at++, position = 0)
        {
            for (; position < _leaves[at].Count; position++)
                yield return _leaves[at][position];
        }
    }

    private ReadOnlySpan<byte> KeyOf(int number) => RecordTable.KeyOf(_table[number].Span);

    /// <summary>The last leaf whose first key is not above <paramref name="key"/>.</summary>
    private int LeafOf(ReadOnlySpan<byte> key)
    {
        var (low, high) = (0, _leaves.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (KeyOf(_leaves[middle][0]).SequenceCompareTo(key) <= 0)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }

    /// <summary>Where the first key is that is not below <paramref name="key"/>.</summary>
    private int PositionIn(List<int> leaf, ReadOnlySpan<byte> key)
    {
        var (low, high) = (0, leaf.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (KeyOf(leaf[middle]).SequenceCompareTo(key) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    /// <summary>
    /// By the eight bytes behind what all keys have in common, which decide nearly always; then, within each run of
    /// equal ones, by the whole key. Comparing whole keys only takes ten times as long.
    /// </summary>
    private static int[] Sort(RecordTable table)
    {
        var numbers = new int[table.Count];
        var count = 0;
        for (var number = 0; number < table.NumberEnd && count < numbers.Length; number++)
        {
            if (!table[number].IsEmpty)
                numbers[count++] = number;
        }
        var common = CommonLength(table, numbers);
        var prefixes = new ulong[numbers.Length];
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        for (var i = 0; i < numbers.Length; i++)
        {
            var rest = RecordTable.KeyOf(table[numbers[i]].Span)[common..];
            prefix.Clear();
            rest[..Math.Min(rest.Length, prefix.Length)].CopyTo(prefix);
            prefixes[i] = BinaryPrimitives.ReadUInt64BigEndian(prefix);
        }
        Array.Sort(prefixes, numbers);
        for (int from = 0, to; from < numbers.Length; from = to)
        {
            for (to = from + 1; to < numbers.Length && prefixes[to] == prefixes[from];)
                to++;
            if (to - from > 1)
            {
                numbers.AsSpan(from, to - from).Sort((a, b) =>
                    RecordTable.KeyOf(table[a].Span).SequenceCompareTo(RecordTable.KeyOf(table[b].Span)));
            }
        }
        return numbers;
    }

    private static int CommonLength(RecordTable table, int[] numbers)
    {
        if (numbers.Length == 0)
            return 0;
        var first = RecordTable.KeyOf(table[numbers[0]].Span);
        var common = first.Length;
        foreach (var number in numbers)
            common = first[..common].CommonPrefixLength(RecordTable.KeyOf(table[number].Span));
        return common;
    }
}
