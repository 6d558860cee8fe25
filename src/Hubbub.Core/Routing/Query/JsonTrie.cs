namespace Hubbub.Core.Routing.Query;

/// <summary>
/// All paths that conditions ask of one document, as a tree, so that one pass over the document fills them.
/// </summary>
internal sealed class JsonTrie
{
    private readonly List<Node> _nodes = [new Node()];
    private Node[] _sealed = [];
    private readonly Dictionary<string, int> _slots = new(StringComparer.Ordinal);

    /// <summary>How many different paths there are; their slots are numbered from 0.</summary>
    public int SlotCount => _slots.Count;

    /// <summary>Adds a path; call <see cref="Seal"/> when all are added.</summary>
    /// <returns>The path's slot.</returns>
    public int Add(string path)
    {
        if (_slots.TryGetValue(path, out var slot))
            return slot;
        slot = _slots.Count;
        _slots.Add(path, slot);
        var node = 0;
        foreach (var (name, index) in JsonPath.Parse(path, out _)!.Segments)
        {
            node = Child(_nodes[node].Named, name);
            _nodes[node].LeadTo(slot);
            if (index < 0)
                continue;
            node = Child(_nodes[node].Elements, index);
            _nodes[node].LeadTo(slot);
        }
        _nodes[node].Want(slot);
        return slot;
    }

    /// <summary>Makes the tree ready for look-ups.</summary>
    public void Seal()
    {
        foreach (var node in _nodes)
            node.Seal();
        _sealed = [.. _nodes];
    }

    public Node this[int index] => _sealed[index];

    private int Child<TKey>(Dictionary<TKey, int> children, TKey key) where TKey : notnull
    {
        if (children.TryGetValue(key, out var child))
            return child;
        child = _nodes.Count;
        _nodes.Add(new Node());
        children.Add(key, child);
        return child;
    }

    /// <summary>One place of the tree.</summary>
    internal sealed class Node
    {
        private NameIndex? _names;
        private int[] _children = [];
        private readonly List<int> _slots = [];
        private readonly List<int> _below = [];

        public Dictionary<string, int> Named { get; } = new(StringComparer.Ordinal);

        public Dictionary<int, int> Elements { get; } = [];

        /// <summary>The slots that want the value of this place: a[0] and a[00] are two spellings of one.</summary>
        public int[] Slots { get; private set; } = [];

        /// <summary>The slots of this place and of all below it.</summary>
        public int[] Below { get; private set; } = [];

        /// <summary>True when paths lead on from here.</summary>
        public bool HasBelow => Below.Length > Slots.Length;

        public NameIndex? Names => _names;

        /// <summary>The child of the name with an index in <see cref="Names"/>.</summary>
        public int ChildOf(int name) => _children[name];

        public int ElementAt(int index) => Elements.GetValueOrDefault(index, -1);

        public void Want(int slot) => _slots.Add(slot);

        public void LeadTo(int slot) => _below.Add(slot);

        public void Seal()
        {
            (Slots, Below) = ([.. _slots], [.. _below]);
            if (Named.Count == 0)
                return;
            string[] names = [.. Named.Keys];
            _names = new NameIndex(names, ignoreCase: false);
            _children = [.. names.Select(name => Named[name])];
        }
    }
}
