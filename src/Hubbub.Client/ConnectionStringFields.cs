using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hubbub.Client;

/// <summary>The key=value pairs of a connection string, and the first thing that is wrong with them.</summary>
internal sealed class ConnectionStringFields
{
    private const int IdCharsMax = 128;

    // The characters that Azure allows in a device id besides letters and digits.
    private static readonly SearchValues<char> IdChars = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-:.+%_#*?!(),=@;$'");

    private static readonly SearchValues<char> HostChars = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:[]");

    private static readonly HashSet<string> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        "HostName", "GatewayHostName", "DeviceId", "ModuleId", "x509", "Endpoint", "EntityPath", "SharedAccessKeyName",
        "SharedAccessKey", "SharedAccessSignature", "UseDevelopmentEmulator", "AmqpsPort", "HttpsPort", "CaFile",
    };

    private readonly Dictionary<string, string> _values = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The first thing that is wrong; null when nothing is.</summary>
    public string? Problem { get; private set; }

    public static bool TrySplit(
        string? text, out ConnectionStringFields fields, [NotNullWhen(false)] out string? problem)
    {
        fields = new ConnectionStringFields();
        problem = text switch
        {
            null or "" => "it is empty",
            { Length: > ClientLimits.ConnectionStringCharsMax } => "it is too long",
            _ => null,
        };
        if (problem is not null)
            return false;
        foreach (var part in text!.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            // Only the first = separates: keys end in some.
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var key = equals < 0 ? "" : part[..equals].Trim();
            if (key.Length == 0)
                problem = "a part of it is no key=value";
            else if (!fields._values.TryAdd(key, part[(equals + 1)..].Trim()))
                // A key that nobody knows may be a piece of a secret that was pasted wrongly.
                problem = Known.Contains(key) ? $"{key} is there twice" : "a key is there twice";
            if (problem is not null)
                return false;
        }
        return true;
    }

    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>The value; null when it is absent or empty.</summary>
    public string? Take(string key) => _values.TryGetValue(key, out var value) && value.Length > 0 ? value : null;

    public string TakeHostName(string key)
    {
        if (Take(key) is { } value)
            return CheckHostName(key, value);
        Refuse($"{key} is missing");
        return "";
    }

    public string? TakeOptionalHostName(string key) => Take(key) is { } value ? CheckHostName(key, value) : null;

    public bool TakeBoolean(string key)
    {
        var value = Take(key);
        var isTrue = string.Equals(value, "true", StringComparison.OrdinalIgnoreCase);
        if (value is not null && !isTrue && !string.Equals(value, "false", StringComparison.OrdinalIgnoreCase))
            Refuse($"{key} is neither true nor false");
        return isTrue;
    }

    public string CheckHostName(string key, string value)
    {
        if (value.Length == 0 || value.AsSpan().ContainsAnyExcept(HostChars))
            Refuse($"{key} is no host name");
        return value;
    }

    public string? CheckId(string key, string? value)
    {
        if (value is not null && (value.Length > IdCharsMax || value.AsSpan().ContainsAnyExcept(IdChars)))
            Refuse($"{key} holds a character that ids do not have, or has more than {IdCharsMax}");
        return value;
    }

    public string? TakeBase64(string key)
    {
        var value = Take(key);
        if (value is not null && !Convert.TryFromBase64String(value, new byte[value.Length], out _))
            Refuse($"{key} is not base64; copy the connection string again");
        return value;
    }

    public string? TakeSignature(string key)
    {
        var value = Take(key);
        if (value is not null && !SasToken.TryParse(value, out _))
            Refuse($"{key} is no token of the form 'SharedAccessSignature sr=...&sig=...&se=...'");
        return value;
    }

    public int TakePort(string key, int defaultPort)
    {
        if (Take(key) is not { } value)
            return defaultPort;
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is 0 or > ushort.MaxValue)
            Refuse($"{key} is no port");
        return port;
    }

    public void RequireOneOf(string firstKey, string? first, string secondKey, string? second)
    {
        if (first is null && second is null)
            Refuse($"either {firstKey} or {secondKey} has to be there");
        else if (first is not null && second is not null)
            Refuse($"only one of {firstKey} and {secondKey} may be there");
    }

    public void Refuse(string problem) => Problem ??= problem;
}
