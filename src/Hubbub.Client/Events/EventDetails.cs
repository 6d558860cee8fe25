using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;

namespace Hubbub.Client.Events;

/// <summary>What an event holds besides its body and its place, checked as a whole and decoded part by part.</summary>
internal sealed class EventDetails
{
    private readonly MessageSections _sections;
    private Properties? _properties;
    private bool _arePropertiesRead;
    private Dictionary<string, object?>? _applicationProperties;
    private Dictionary<string, object?>? _systemProperties;

    /// <param name="message">The encoded event.</param>
    /// <param name="partitionId">Where it lies; for the error's text.</param>
    /// <exception cref="HubbubException">It cannot be decoded.</exception>
    public EventDetails(ReadOnlyMemory<byte> message, string partitionId)
    {
        if (!MessageSections.TryRead(message, SectionOrder.Lenient, out _sections, out var problem))
        {
            throw new HubbubException(
                problem.Condition, $"an event cannot be decoded: {problem.Text}", $"partition {partitionId}");
        }
    }

    public MessageSections Sections => _sections;

    public Properties? Properties
    {
        get
        {
            if (!_arePropertiesRead)
            {
                _properties = _sections.ReadProperties();
                _arePropertiesRead = true;
            }
            return _properties;
        }
    }

    public IReadOnlyDictionary<string, object?> ApplicationProperties =>
        _applicationProperties ??= ClrValue.DictionaryOf(
            _sections.ApplicationProperties.GetValueOrDefault(), static _ => true);

    public IReadOnlyDictionary<string, object?> SystemProperties =>
        _systemProperties ??= ClrValue.DictionaryOf(
            _sections.MessageAnnotations.GetValueOrDefault(), static name => !EventAnnotations.IsPosition(name));
}
