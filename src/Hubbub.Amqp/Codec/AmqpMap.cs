using System.Collections;

namespace Hubbub.Amqp.Codec;

/// <summary>
/// A view of an encoded map, read only when asked. The default view is an empty map. A view that a reader gave lives
/// as long as the frame and was checked by the reader; <see cref="ToOwned"/> makes one that lives on.
/// </summary>
public readonly struct AmqpMap : IEquatable<AmqpMap>, IEnumerable<AmqpMapEntry>
{
    private static readonly byte[] EmptyEncoding = [FormatCode.Map8, 1, 0];
    private readonly ReadOnlyMemory<byte> _encoded;

    /// <summary>A view of these bytes, which hold exactly one map.</summary>
    public AmqpMap(ReadOnlyMemory<byte> encoded) => _encoded = encoded;

    /// <summary>The encoded map.</summary>
    public ReadOnlyMemory<byte> Encoded => _encoded.IsEmpty ? EmptyEncoding : _encoded;

    /// <summary>The number of keys.</summary>
    public int Count
    {
        get
        {
            var reader = new AmqpReader(Encoded);
            return reader.ReadMapHeader(out _) / 2;
        }
    }

    /// <summary>The value under a symbol or string key of this text.</summary>
    public bool TryGet(string key, out AmqpValue value)
    {
        foreach (var entry in this)
        {
            if (!entry.Key.TextEquals(key))
                continue;
            value = entry.Value;
            return true;
        }
        value = default;
        return false;
    }

    /// <summary>A view of a copy, which lives on when the frame is gone.</summary>
    public AmqpMap ToOwned() => new(Encoded.ToArray());

    /// <summary>The entries, in the order in which they are encoded.</summary>
    public Enumerator GetEnumerator() => new(Encoded);

    IEnumerator<AmqpMapEntry> IEnumerable<AmqpMapEntry>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>True when both encode the same bytes.</summary>
    public bool Equals(AmqpMap other) => Encoded.Span.SequenceEqual(other.Encoded.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is AmqpMap other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Encoded.Span);
        return hash.ToHashCode();
    }

    /// <summary>Bytewise equality.</summary>
    public static bool operator ==(AmqpMap left, AmqpMap right) => left.Equals(right);

    /// <summary>Bytewise inequality.</summary>
    public static bool operator !=(AmqpMap left, AmqpMap right) => !left.Equals(right);

    /// <summary>A short text for logs: how much there is, not what.</summary>
    public override string ToString() => $"(Map of {_encoded.Length} bytes)";

    /// <summary>Walks over the entries of a map.</summary>
    public struct Enumerator : IEnumerator<AmqpMapEntry>
    {
        private readonly ReadOnlyMemory<byte> _encoded;
        private int _position;
        private int _left;

        internal Enumerator(ReadOnlyMemory<byte> encoded)
        {
            var reader = new AmqpReader(encoded);
            _left = reader.ReadMapHeader(out var end);
            _position = reader.Position;
            _encoded = encoded[..end];
            Current = default;
        }

        /// <summary>The entry that <see cref="MoveNext"/> came to.</summary>
        public AmqpMapEntry Current { get; private set; }

        readonly object IEnumerator.Current => Current;

        /// <summary>Moves to the next entry; false at the end.</summary>
        public bool MoveNext()
        {
            if (_left == 0)
                return false;
            var reader = new AmqpReader(_encoded[_position..]);
            var key = reader.ReadValue();
            var value = reader.ReadValue();
            Current = new AmqpMapEntry(key, value);
            _position += reader.Position;
            _left -= 2;
            return true;
        }

        /// <summary>Not supported.</summary>
        public readonly void Reset() => throw new NotSupportedException();

        /// <summary>Nothing to do.</summary>
        public readonly void Dispose()
        {
        }
    }
}

/// <summary>One key and its value.</summary>
/// <param name="Key">The key: a symbol in annotations, a string in application properties.</param>
/// <param name="Value">The value.</param>
public readonly record struct AmqpMapEntry(AmqpValue Key, AmqpValue Value);
