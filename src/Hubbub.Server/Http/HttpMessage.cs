using System.Globalization;
using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;

namespace Hubbub.Server.Http;

/// <summary>
/// A message that came by HTTPS, put into the form in which the same message comes by AMQP: from there on both go the
/// same way.
/// </summary>
internal sealed class HttpMessage
{
    public const string AppPrefix = "iothub-app-";
    public const string AckProperty = "iothub-ack";

    private readonly List<(string Name, string Value)> _application = [];
    private readonly AmqpMapBuilder _annotations = new();
    private bool _isAnnotated;
    private Properties _properties = new();

    /// <summary>Takes a header of a request, or a property of a message in a batch.</summary>
    /// <returns>Null, or why the value cannot be taken.</returns>
    public HubError? Set(string name, string value)
    {
        switch (name.ToLowerInvariant())
        {
            case "iothub-messageid":
                _properties = _properties with { MessageId = AmqpValue.From(value) };
                return null;
            case "iothub-correlationid":
                _properties = _properties with { CorrelationId = AmqpValue.From(value) };
                return null;
            case "iothub-userid":
                _properties = _properties with { UserId = Encoding.UTF8.GetBytes(value) };
                return null;
            case "iothub-to":
                _properties = _properties with { To = AmqpValue.From(value) };
                return null;
            case "iothub-expiry":
                return SetExpiry(value);
            case "iothub-contenttype":
                _properties = _properties with { ContentType = new Symbol(value) };
                return Ascii.IsValid(value) ? null : Invalid(name, "is not ASCII");
            case "iothub-contentencoding":
                _properties = _properties with { ContentEncoding = new Symbol(value) };
                return Ascii.IsValid(value) ? null : Invalid(name, "is not ASCII");
            case "iothub-interface-id" or "dt-subject":
                _annotations.Add(name.ToLowerInvariant(), value);
                _isAnnotated = true;
                return null;
            case AckProperty or "iothub-operation":
                _application.Add((name.ToLowerInvariant(), value));
                return null;
            case "iothub-messageschema":
                _application.Add(("iothub-message-schema", value));
                return null;
            case "iothub-creationtimeutc":
                _application.Add(("iothub-creation-time-utc", value));
                return null;
        }
        if (name.StartsWith(AppPrefix, StringComparison.OrdinalIgnoreCase) && name.Length > AppPrefix.Length)
            _application.Add((name[AppPrefix.Length..], value));
        return null;
    }

    /// <summary>Takes a property of the sender's own.</summary>
    public void SetApplication(string name, string value) => _application.Add((name, value));

    /// <summary>The encoded message.</summary>
    public byte[] ToAmqp(ReadOnlyMemory<byte> body)
    {
        var application = new AmqpMapBuilder(MapKeyKind.String);
        foreach (var (name, value) in _application)
            application.Add(name, value);
        return new OutgoingMessage
        {
            MessageAnnotations = _isAnnotated ? _annotations.Build() : null,
            Properties = _properties == new Properties() ? null : _properties,
            ApplicationProperties = _application.Count > 0 ? application.Build() : null,
            Data = body,
        }.ToArray();
    }

    private HubError? SetExpiry(string value)
    {
        if (!DateTimeOffset.TryParse(
            value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var expiry))
            return Invalid("iothub-expiry", "is not a time of ISO 8601");
        _properties = _properties with { AbsoluteExpiryTime = expiry };
        return null;
    }

    private static HubError Invalid(string name, string why) =>
        new(HubErrorCode.ArgumentInvalid, $"The value of {name} {why}.");
}
