using System.Text.Json;

namespace Hubbub.Core.Routing.Query;

/// <summary>Fills the slots of a <see cref="JsonTrie"/> in one pass over a document, without building it.</summary>
internal static class JsonSlots
{
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
        if (!BeginsAsObject(json))
        {
            Fill(slots, ValueKind.Undefined);
            return;
        }
        try
        {
            // Not the final block: then a document that ends too early is no exception, which would cost much more.
            var options = new JsonReaderOptions { MaxDepth = RoutingLimits.BodyDepthMax };
            var reader = new Utf8JsonReader(json, isFinalBlock: false, new JsonReaderState(options));
            var pass = new Pass(trie, slots, source, scratch);
            if (pass.Run(ref reader) && IsBlank(json[(int)reader.BytesConsumed..]))
                return;
        }
        catch (JsonException)
        {
            // It is no JSON; nothing of it is defined.
        }
        Fill(slots, ValueKind.Undefined);
    }

    private static void Fill(Span<Value> slots, ValueKind kind)
    {
        foreach (ref var slot in slots)
            slot.Kind = kind;
    }

    private static bool BeginsAsObject(ReadOnlySpan<byte> json)
    {
        var at = json.IndexOfAnyExcept(" \t\r\n"u8);
        return at >= 0 && json[at] == '{';
    }

    private static bool IsBlank(ReadOnlySpan<byte> rest) => !rest.ContainsAnyExcept(" \t\r\n"u8);

    private readonly ref struct Pass(JsonTrie trie, Span<Value> slots, TextSource source, TextScratch scratch)
    {
        private readonly Span<Value> _slots = slots;

        public bool Run(ref Utf8JsonReader reader)
        {
            // Where in the tree each open container stands, and how many elements an array has had.
            Span<int> places = stackalloc int[RoutingLimits.BodyDepthMax + 1];
            Span<int> elements = stackalloc int[RoutingLimits.BodyDepthMax + 1];
            var depth = 0;
            places[0] = 0;
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return false;
            while (reader.Read())
            {
                var place = trie[places[depth]];
                int child;
                if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
                {
                    if (depth-- == 0)
                        return true;
                    continue;
                }
                if (reader.TokenType == JsonTokenType.PropertyName)
                {
                    child = Named(place, ref reader);
                    if (!reader.Read())
                        return false;
                }
                else
                {
                    child = place.ElementAt(elements[depth]++);
                }
                if (child >= 0 && Enter(child, ref reader))
                {
                    places[++depth] = child;
                    elements[depth] = 0;
                }
                else if (!TrySkip(ref reader))
                {
                    return false;
                }
            }
            return false;
        }

        /// <summary>Takes the value at a place of the tree.</summary>
        /// <returns>True when it is a container that the tree goes on in.</returns>
        private bool Enter(int child, ref Utf8JsonReader reader)
        {
            var place = trie[child];
            // Of two members of one name the last counts, with all that is in it.
            foreach (var slot in place.Below)
                _slots[slot].Kind = ValueKind.Missing;
            foreach (var slot in place.Slots)
                Take(ref _slots[slot], ref reader);
            return reader.TokenType switch
            {
                JsonTokenType.StartObject => place.Names is not null,
                JsonTokenType.StartArray => place.Elements.Count > 0,
                _ => false,
            };
        }

        private void Take(ref Value value, ref Utf8JsonReader reader)
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.String when reader.ValueIsEscaped:
                    Unescape(ref value, ref reader);
                    break;
                case JsonTokenType.String:
                    value.Set(source, (int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
                    break;
                case JsonTokenType.Number:
                    value.Set(reader.TryGetDouble(out var number) ? number : double.NaN);
                    break;
                case JsonTokenType.True or JsonTokenType.False:
                    value.Set(reader.TokenType == JsonTokenType.True);
                    break;
                default:
                    value.Kind = reader.TokenType switch
                    {
                        JsonTokenType.StartObject => ValueKind.Object,
                        JsonTokenType.StartArray => ValueKind.Array,
                        _ => ValueKind.Null,
                    };
                    break;
            }
        }

        private void Unescape(ref Value value, ref Utf8JsonReader reader)
        {
            value.Kind = ValueKind.Undefined;
            var room = scratch.Reserve(reader.ValueSpan.Length);
            if (room.Length < reader.ValueSpan.Length)
                return;
            try
            {
                scratch.Commit(reader.CopyString(room)).CopyTo(ref value);
            }
            catch (InvalidOperationException)
            {
                // An escape that is half a character: no text.
            }
        }

        private static int Named(JsonTrie.Node place, ref Utf8JsonReader reader)
        {
            if (place.Names is not { } names)
                return -1;
            if (!reader.ValueIsEscaped)
                return names.Find(reader.ValueSpan) is >= 0 and var found ? place.ChildOf(found) : -1;
            for (var i = 0; i < names.Count; i++)
            {
                if (reader.ValueTextEquals(names[i]))
                    return place.ChildOf(i);
            }
            return -1;
        }

        private static bool TrySkip(ref Utf8JsonReader reader)
        {
            if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
                return true;
            var depth = reader.CurrentDepth;
            do
            {
                if (!reader.Read())
                    return false;
            }
            while (reader.CurrentDepth > depth);
            return true;
        }
    }
}
