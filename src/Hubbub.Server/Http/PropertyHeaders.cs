using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Hubbub.Server.Http;

/// <summary>
/// The headers of an answer whose values a sender chose. Collected before they are set: adding to a header that is
/// there copies all that it holds, and a sender may name one a hundred thousand times.
/// </summary>
internal sealed class PropertyHeaders
{
    /// <summary>Names the headers whose values are percent-encoded; in others a percent sign is one.</summary>
    private const string EncodedHeader = "Hubbub-Percent-Encoded";

    private readonly Dictionary<string, List<string>> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly OrderedDictionary<string, bool> _encoded = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds a value; null is none. What no header can hold is percent-encoded as a whole.</summary>
    public void Add(string name, string? value)
    {
        if (value is null)
            return;
        if (!_values.TryGetValue(name, out var values))
            _values[name] = values = new(1);
        // What a sender chose must not end a header or begin one.
        var isPlain = !value.AsSpan().ContainsAnyExceptInRange(' ', '~');
        values.Add(isPlain ? value : Uri.EscapeDataString(value));
        if (!isPlain)
            _encoded.TryAdd(name, true);
    }

    /// <summary>Sets what was added, and the header that tells which of it is encoded.</summary>
    public void WriteTo(IHeaderDictionary headers)
    {
        foreach (var (name, values) in _values)
            headers[name] = new StringValues(values.ToArray());
        if (_encoded.Count > 0)
            headers[EncodedHeader] = string.Join(',', _encoded.Keys);
    }
}
