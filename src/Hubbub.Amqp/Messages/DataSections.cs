using Hubbub.Amqp.Codec;

namespace Hubbub.Amqp.Messages;

/// <summary>The payloads of the data sections of a message, for <c>foreach</c>. Allocates nothing.</summary>
public readonly struct DataSections
{
    private readonly ReadOnlyMemory<byte> _sections;

    internal DataSections(ReadOnlyMemory<byte> sections) => _sections = sections;

    /// <summary>Starts at the first section.</summary>
    public Enumerator GetEnumerator() => new(_sections);

    /// <summary>Walks over the payloads.</summary>
    public struct Enumerator
    {
        private ReadOnlyMemory<byte> _rest;

        internal Enumerator(ReadOnlyMemory<byte> sections)
        {
            _rest = sections;
            Current = default;
        }

        /// <summary>The payload that <see cref="MoveNext"/> came to: a slice of the message.</summary>
        public ReadOnlyMemory<byte> Current { get; private set; }

        /// <summary>Moves to the next section; false at the end.</summary>
        public bool MoveNext()
        {
            if (_rest.IsEmpty)
                return false;
            var reader = new AmqpReader(_rest);
            reader.ReadDescriptor();
            Current = reader.ReadBinary();
            _rest = _rest[reader.Position..];
            return true;
        }
    }
}
