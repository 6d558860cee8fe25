namespace Hubbub.Core.Routing.Query;

/// <summary>Fills the slots of a <see cref="JsonTrie"/> in one pass over a document, without building it.</summary>
internal static class JsonSlots
{
    private const int Nowhere = -1;

    /// <summary>
    /// Reads a document. When it is no JSON object from beginning to end, every slot is undefined.
    /// </summary>
    /// <param name="trie">The paths.</param>
    /// <param name="json">The document in UTF-8.</param>
    /// <param name="slots">A value for each path.</param>
    /// <param name="source">Which bytes <paramref name="json"/> is to the evaluation.</param>
    /// <param name="scratch">Takes texts whose escapes had to be resolved.</param>
    public static void Read(
        JsonTrie trie, ReadOnlySpan<byte> json, Span<Value> slots, TextSource source, TextScratch scratch)
    {
        Fill(slots, ValueKind.Missing);
        var pass = new Pass(trie, json, slots, source, scratch);
        if (!pass.Run())
            Fill(slots, ValueKind.Undefined);
    }

    private static void Fill(Span<Value> slots, ValueKind kind)
    {
        foreach (ref var slot in slots)
            slot.Kind = kind;
    }

    private ref struct Pass(
        JsonTrie trie, ReadOnlySpan<byte> json, Span<Value> slots, TextSource source, TextScratch scratch)
    {
        private readonly ReadOnlySpan<byte> _json = json;
        private readonly Span<Value> _slots = slots;
        private JsonScanner _scanner = new(json);

        public bool Run()
        {
            // Of each open container: its place in the tree, if it has one, and the elements so far of an array; -1 is
            // an object.
            Span<int> places = stackalloc int[RoutingLimits.BodyDepthMax];
            Span<int> elements = stackalloc int[RoutingLimits.BodyDepthMax];
            var depth = 0;
            if (_scanner.Next() != '{')
                return false;
            _scanner.Step();
            (places[0], elements[0]) = (0, -1);
            var mayEnd = true;
            while (true)
            {
                var close = elements[depth] < 0 ? (byte)'}' : (byte)']';
                var c = _scanner.Next();
                if (c != close || !mayEnd)
                {
                    var child = Nowhere;
                    if (elements[depth] >= 0)
                        child = Element(places[depth], elements[depth]++);
                    else if (c != '"' || !TryName(places[depth], out child))
                        return false;
                    c = _scanner.Next();
                    if (c is (byte)'{' or (byte)'[')
                    {
                        if (++depth == RoutingLimits.BodyDepthMax)
                            return false;
                        _scanner.Step();
                        (places[depth], elements[depth]) = (Enter(child, c), c == '{' ? -1 : 0);
                        mayEnd = true;
                        continue;
                    }
                    if (!TryScalar(child, c))
                        return false;
                    c = _scanner.Next();
                }
                while (c == (elements[depth] < 0 ? (byte)'}' : (byte)']'))
                {
                    _scanner.Step();
                    if (depth-- == 0)
                        return _scanner.Next() == 0 && _scanner.Position == _json.Length;
                    c = _scanner.Next();
                }
                if (c != ',')
                    return false;
                _scanner.Step();
                mayEnd = false;
            }
        }

        private readonly int Element(int place, int index) => place < 0 ? Nowhere : trie[place].ElementAt(index);

        private bool TryName(int place, out int child)
        {
            child = Nowhere;
            if (!_scanner.TryString(out var start, out var length, out var isEscaped) || _scanner.Next() != ':')
                return false;
            _scanner.Step();
            if (place < 0 || trie[place].Names is not { } names)
                return true;
            var name = _json.Slice(start, length);
            if (isEscaped)
            {
                var room = scratch.Reserve(length);
                var resolved = room.Length < length ? -1 : JsonEscapes.Resolve(name, room);
                if (resolved < 0)
                    return true;
                name = room[..resolved];
            }
            if (names.Find(name) is >= 0 and var found)
                child = trie[place].ChildOf(found);
            return true;
        }

        /// <summary>Takes note of a container.</summary>
        /// <returns>Its place, when the tree goes on in it.</returns>
        private readonly int Enter(int child, byte c)
        {
            if (child < 0)
                return Nowhere;
            var place = trie[child];
            Forget(place);
            foreach (var slot in place.Slots)
                _slots[slot].Kind = c == '{' ? ValueKind.Object : ValueKind.Array;
            return (c == '{' ? place.Names is not null : place.Elements.Count > 0) ? child : Nowhere;
        }

        // Of two members of one name the last counts, with all that is in it.
        private readonly void Forget(JsonTrie.Node place)
        {
            foreach (var slot in place.Below)
                _slots[slot].Kind = ValueKind.Missing;
        }

        private bool TryScalar(int child, byte c)
        {
            var value = default(Value);
            var start = _scanner.Position;
            switch (c)
            {
                case (byte)'"':
                    if (!_scanner.TryString(out start, out var length, out var isEscaped))
                        return false;
                    if (child >= 0)
                        Text(ref value, start, length, isEscaped);
                    break;
                case (byte)'t' or (byte)'f':
                    if (!_scanner.TryWord(c == 't' ? "true"u8 : "false"u8))
                        return false;
                    value.Set(c == 't');
                    break;
                case (byte)'n':
                    if (!_scanner.TryWord("null"u8))
                        return false;
                    value.Kind = ValueKind.Null;
                    break;
                default:
                    if (!_scanner.TryNumber())
                        return false;
                    if (child >= 0 && NumberText.TryParseJson(_json[start.._scanner.Position], out var number))
                        value.Set(number);
                    break;
            }
            if (child < 0)
                return true;
            var place = trie[child];
            if (place.HasBelow)
                Forget(place);
            foreach (var slot in place.Slots)
                _slots[slot] = value;
            return true;
        }

        private readonly void Text(ref Value value, int start, int length, bool isEscaped)
        {
            if (!isEscaped)
            {
                value.Set(source, start, length);
                return;
            }
            var room = scratch.Reserve(length);
            var resolved = room.Length < length ? -1 : JsonEscapes.Resolve(_json.Slice(start, length), room);
            if (resolved >= 0)
                scratch.Commit(resolved).CopyTo(ref value);
        }
    }
}
