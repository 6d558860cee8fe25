using System.Text;
using System.Text.Json;
using Hubbub.Core.Routing.Query;

namespace Hubbub.Core.Routing;

/// <summary>
/// A message written down by a person, to try conditions on:
/// <c>{"source":"DeviceMessages","app":{},"sys":{},"body":{},"twin":{}}</c>. The names in sys are those behind the $; a
/// body that is a JSON string stands for a text that is no JSON. The body's bytes are in the encoding that sys names.
/// </summary>
public sealed class SampleMessage
{
    private readonly List<(byte[] Name, byte[]? Value)> _application = [];
    private readonly Dictionary<string, byte[]?> _system = new(StringComparer.Ordinal);
    private string _bodyText = "";
    private byte[] _body = [];
    private byte[] _twin = [];

    private SampleMessage()
    {
    }

    /// <summary>What the message is; routes of other sources do not see it.</summary>
    public RouteSource Source { get; private set; }

    /// <summary>Reads a message.</summary>
    /// <returns>The message, or ArgumentInvalid.</returns>
    public static HubResult<SampleMessage> Read(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
            return Refuse("it must be an object like {\"app\":{},\"sys\":{},\"body\":{}}");
        var message = new SampleMessage();
        foreach (var member in json.EnumerateObject())
        {
            var problem = member.Name switch
            {
                "source" => message.ReadSource(member.Value),
                "app" =>
                    ReadTexts(member, (name, value) => message._application.Add((Encoding.UTF8.GetBytes(name), value))),
                "sys" =>
                    ReadTexts(member, (name, value) => message._system[SystemPropertyName.Canonical(name)] = value),
                "body" => message.ReadBody(member.Value),
                "twin" => message.ReadTwin(member.Value),
                _ => $"'{member.Name}' is none of source, app, sys, body, twin",
            };
            if (problem is not null)
                return Refuse(problem);
        }
        message._body = message.EncodingOfBody().GetBytes(message._bodyText);
        return message;
    }

    /// <summary>The message as conditions see it.</summary>
    public View AsView() => new(this);

    private string? ReadSource(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.String || !RouteSources.TryParse(json.GetString()!, out var source))
            return $"source must be one of {RouteSources.Names}";
        Source = source;
        return null;
    }

    private string? ReadBody(JsonElement json)
    {
        _bodyText = json.ValueKind == JsonValueKind.String ? json.GetString()! : json.GetRawText();
        return null;
    }

    // The person writes characters; a device would have sent them in the encoding that the properties name.
    private Encoding EncodingOfBody() =>
        BodyText.EncodingOf(SystemProperty("contentType"), SystemProperty("contentEncoding")) ?? Encoding.UTF8;

    private byte[] SystemProperty(string name) => _system.GetValueOrDefault(SystemPropertyName.Canonical(name)) ?? [];

    private string? ReadTwin(JsonElement json)
    {
        _twin = json.ValueKind == JsonValueKind.Null ? [] : Encoding.UTF8.GetBytes(json.GetRawText());
        return null;
    }

    private static string? ReadTexts(JsonProperty member, Action<string, byte[]?> add)
    {
        if (member.Value.ValueKind != JsonValueKind.Object)
            return $"{member.Name} must be an object";
        foreach (var entry in member.Value.EnumerateObject())
        {
            if (entry.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                return $"{member.Name}.{entry.Name} must be a string";
            var text = entry.Value.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.String => entry.Value.GetString(),
                _ => entry.Value.GetRawText(),
            };
            add(entry.Name, text is null ? null : Encoding.UTF8.GetBytes(text));
        }
        return null;
    }

    private static HubError Refuse(string why) =>
        new(HubErrorCode.ArgumentInvalid, $"The message is not understood: {why}.");

    /// <summary>The message as conditions see it.</summary>
    public readonly struct View(SampleMessage message) : IMessageView
    {
        public ReadOnlySpan<byte> Bytes => [];

        public bool TryReadProperty(
            ref int position, TextScratch scratch, out ReadOnlySpan<byte> name, out MessageText value)
        {
            name = default;
            value = default;
            if (position == message._application.Count)
                return false;
            var (itsName, itsValue) = message._application[position++];
            name = itsName;
            value = Text(itsValue, scratch);
            return true;
        }

        public MessageText ReadSystemProperty(SystemPropertyName name, TextScratch scratch) =>
            message._system.TryGetValue(name.Key, out var value) ? Text(value, scratch) : MessageText.Missing;

        public ReadOnlySpan<byte> ReadBody(TextScratch scratch) => message._body;

        /// <summary>Samples are looked at once.</summary>
        public ReadOnlySpan<byte> BytesOf(MessagePart part) => throw new NotSupportedException();

        public ReadOnlySpan<byte> ReadTwin(TextScratch scratch) => message._twin;

        private static MessageText Text(byte[]? value, TextScratch scratch) =>
            value is null ? MessageText.Null : scratch.Add(value);
    }
}
