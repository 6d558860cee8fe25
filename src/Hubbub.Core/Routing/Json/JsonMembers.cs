using System.Globalization;
using System.Text.Json;

namespace Hubbub.Core.Routing.Json;

/// <summary>
/// Reads the members of one JSON object by name. The first thing that is wrong is kept in <see cref="Problem"/>, a
/// sentence that names the member; members that nobody asked for are wrong too.
/// </summary>
internal sealed class JsonMembers
{
    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.OrdinalIgnoreCase);
    private readonly string _what;

    /// <param name="json">What should be an object.</param>
    /// <param name="what">What it describes, for errors: "The route 'x'".</param>
    public JsonMembers(JsonElement json, string what)
    {
        _what = what;
        if (json.ValueKind != JsonValueKind.Object)
        {
            Fail("must be a JSON object");
            return;
        }
        foreach (var member in json.EnumerateObject())
        {
            if (!_members.TryAdd(member.Name, member.Value))
                Fail($"has the member '{Shorten(member.Name)}' twice");
        }
    }

    /// <summary>
    /// What one of a document's parts is called in errors: by its name, or by its place when it has none.
    /// </summary>
    /// <param name="json">The part.</param>
    /// <param name="kind">What it is: "route".</param>
    /// <param name="nameMember">The member that names it.</param>
    /// <param name="index">Its place among its like, from 0.</param>
    public static string Called(JsonElement json, string kind, string nameMember, int index) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(nameMember, out var name)
            && name.ValueKind == JsonValueKind.String
            ? $"The {kind} '{Shorten(name.GetString()!)}'"
            : string.Create(CultureInfo.InvariantCulture, $"The {kind} number {index + 1}");

    public string? Problem { get; private set; }

    public string? Text(string name) => Take(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => Wrong<string>(name, "a string"),
    };

    public string Required(string name)
    {
        var text = Text(name);
        if (text is null)
            Fail($"lacks the member '{name}'");
        return text ?? "";
    }

    public bool Flag(string name, bool otherwise) => Take(name) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => Wrong<bool>(name, "true or false"),
    };

    public int Number(string name, int otherwise) => Take(name) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt32(out var value) => value,
        _ => Wrong<int>(name, "a whole number"),
    };

    public TimeSpan Duration(string name, TimeSpan otherwise) => Take(name) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.String } text when Quantity.TryParse(text.GetString()!, out TimeSpan value) => value,
        _ => Wrong<TimeSpan>(name, "a duration like \"30s\" (ms, s, m, h, d)"),
    };

    /// <summary>A number of bytes.</summary>
    public long? Size(string name, long? otherwise) => Take(name) is { } json ? Size(name, json) : otherwise;

    /// <summary>A number of bytes that is always there.</summary>
    public long Size(string name, long otherwise) => Take(name) is { } json ? Size(name, json) : otherwise;

    public IReadOnlyList<string> Texts(string name)
    {
        if (Take(name) is not { } list)
            return [];
        if (list.ValueKind != JsonValueKind.Array
            || list.EnumerateArray().Any(static e => e.ValueKind != JsonValueKind.String))
            return Wrong<IReadOnlyList<string>>(name, "a list of strings") ?? [];
        return [.. list.EnumerateArray().Select(static e => e.GetString()!)];
    }

    public IEnumerable<JsonElement> Objects(string name)
    {
        if (Take(name) is not { } list)
            return [];
        return list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray()]
            : Wrong<JsonElement[]>(name, "a list of objects") ?? [];
    }

    /// <summary>A member of any kind, for somebody else to read.</summary>
    public JsonElement? Object(string name) => Take(name);

    /// <summary>Lets a member pass that only answers have.</summary>
    public void Ignore(string name) => _members.Remove(name);

    /// <summary>A member that is an object itself.</summary>
    public JsonMembers? Nested(string name) =>
        Take(name) is { } json ? new JsonMembers(json, $"{_what}: '{name}'") : null;

    /// <summary>Call it when all members were asked for.</summary>
    /// <returns>Null, or why the object is refused.</returns>
    public HubError? Finish(params JsonMembers?[] nested)
    {
        if (_members.Count > 0)
            Fail($"has the unknown member '{Shorten(_members.Keys.First())}'");
        var problem = Problem
            ?? nested.Select(static n => n?.Finish()?.Message).FirstOrDefault(static p => p is not null);
        return problem is null ? null : new HubError(HubErrorCode.ArgumentInvalid, problem);
    }

    /// <summary>Notes what is wrong: a sentence without its subject.</summary>
    public void Fail(string why) => Problem ??= $"{_what} {why}.";

    private long Size(string name, JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Number when json.TryGetInt64(out var value) => value,
        JsonValueKind.String when Quantity.TryParse(json.GetString()!, out long value) => value,
        _ => Wrong<long>(name, "a size like \"10GB\", or a number of bytes"),
    };

    // What is null is as good as absent.
    private JsonElement? Take(string name) =>
        _members.Remove(name, out var json) && json.ValueKind != JsonValueKind.Null ? json : null;

    private T? Wrong<T>(string name, string wanted)
    {
        Fail($"must have {wanted} as '{name}'");
        return default;
    }

    private static string Shorten(string name) => name.Length <= 64 ? name : name[..64] + "...";
}
