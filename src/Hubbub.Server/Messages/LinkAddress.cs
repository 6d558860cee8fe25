using Hubbub.Core.Identities;

namespace Hubbub.Server.Messages;

/// <summary>What a link's address means.</summary>
internal enum LinkAddressKind
{
    Unknown,

    /// <summary><c>$cbs</c>: token exchange.</summary>
    Cbs,

    /// <summary><c>$management</c>, or <c>{entity}/$management</c>.</summary>
    Management,

    /// <summary><c>devices/{d}[/modules/{m}]/messages/events</c>.</summary>
    DeviceEvents,

    /// <summary><c>devices/{d}[/modules/{m}]/messages/devicebound</c>.</summary>
    DeviceCommands,

    /// <summary><c>devices/{d}[/modules/{m}]/commands</c>: what happens to the commands of an identity.</summary>
    CommandWatch,

    /// <summary><c>devices/{d}[/modules/{m}]/methods/devicebound</c>.</summary>
    DeviceMethods,

    /// <summary><c>devices/{d}[/modules/{m}]/twin</c>.</summary>
    DeviceTwin,

    /// <summary><c>messages/devicebound</c>: commands from services.</summary>
    ServiceCommands,

    /// <summary><c>messages/servicebound/feedback</c>.</summary>
    Feedback,

    /// <summary><c>messages/servicebound/filenotifications</c>.</summary>
    FileNotifications,

    /// <summary>
    /// <c>messages/events[/tail]</c> on the hub's name: redirected. The tail has its slashes, at both ends.
    /// </summary>
    HubEvents,

    /// <summary><c>{entity}[/tail]</c>: the events entity itself.</summary>
    Entity,
}

/// <summary>
/// A link's address, taken apart: full URI or path, with or without a leading slash, literal segments in any case, ids
/// percent-decoded once and then compared as they are.
/// </summary>
internal readonly record struct LinkAddress(
    LinkAddressKind Kind, string Tail = "", string? DeviceId = null, string? ModuleId = null, string? Entity = null)
{
    /// <summary>The ids as they stand in the address; null when decoding has changed neither.</summary>
    public (string DeviceId, string? ModuleId)? AsWritten { get; private init; }

    /// <summary>
    /// Half of the clients encode ids and half do not, and a percent sign is legal in one: where only the device or
    /// module that the address spells out is registered, that one is meant.
    /// </summary>
    public LinkAddress WithRegisteredId(IdentityRegistry registry) =>
        AsWritten is { } ids && !IsRegistered(registry, DeviceId!, ModuleId)
            && IsRegistered(registry, ids.DeviceId, ids.ModuleId)
            ? this with { DeviceId = ids.DeviceId, ModuleId = ids.ModuleId, AsWritten = null }
            : this;

    /// <summary>Takes an address apart; never throws.</summary>
    public static LinkAddress Parse(string text, HubIdentity hub)
    {
        if (text.Length > MessageLimits.AddressCharsMax)
            return default;
        var path = WithoutAuthority(text);
        // Old clients append a query; a bare ? may be part of an id, which most clients do not encode.
        var query = path.IndexOf("?api-version", StringComparison.OrdinalIgnoreCase);
        if (query >= 0)
            path = path[..query];
        var whole = path.TrimStart('/');
        path = whole.TrimEnd('/');
        Span<Range> ranges = stackalloc Range[10];
        var count = path.Split(ranges, '/');
        if (count is 0 or 10)
            return default;
        var first = path[ranges[0]];
        if (count == 1 && Is(first, "$cbs"))
            return new(LinkAddressKind.Cbs);
        if (count == 1 && Is(first, "$management"))
            return new(LinkAddressKind.Management);
        if (Is(first, "devices"))
            return ParseDevice(path, ranges[..count]);
        if (Is(first, "messages") && count >= 2)
            return ParseMessages(path, ranges[..count], whole);
        if (Is(first, hub.EntityName))
        {
            var tail = Decode(TailOf(path, ranges[..count], 1));
            return Is(tail, "$management")
                ? new(LinkAddressKind.Management, Entity: hub.EntityName)
                : new(LinkAddressKind.Entity, tail, Entity: hub.EntityName);
        }
        // Whatever else has the shape of an entity is a stream of somebody's own, or one that does not exist.
        var rest = Decode(TailOf(path, ranges[..count], 1));
        return Is(rest, "$management")
            ? new(LinkAddressKind.Management, Entity: first.ToString())
            : new(LinkAddressKind.Entity, rest, Entity: first.ToString());
    }

    /// <summary>Splits the tail of a reader's address: <c>ConsumerGroups/{group}/Partitions/{id}</c>.</summary>
    public bool TrySplitReader(out string group, out string partition)
    {
        group = partition = "";
        Span<Range> ranges = stackalloc Range[5];
        var tail = Tail.AsSpan();
        if (tail.Split(ranges, '/') != 4 || !Is(tail[ranges[0]], "ConsumerGroups")
            || !Is(tail[ranges[2]], "Partitions"))
            return false;
        group = tail[ranges[1]].ToString();
        partition = tail[ranges[3]].ToString();
        return true;
    }

    private static bool IsRegistered(IdentityRegistry registry, string deviceId, string? moduleId) => moduleId is null
        ? registry.FindDevice(deviceId) is not null
        : registry.FindModule(deviceId, moduleId) is not null;

    private static LinkAddress ParseDevice(ReadOnlySpan<char> path, ReadOnlySpan<Range> ranges)
    {
        if (ranges.Length < 3)
            return default;
        var hasModule = ranges.Length >= 5 && Is(path[ranges[2]], "modules");
        var next = hasModule ? 4 : 2;
        var written = (DeviceId: path[ranges[1]].ToString(), ModuleId: hasModule ? path[ranges[3]].ToString() : null);
        var deviceId = IdOf(written.DeviceId);
        var moduleId = hasModule ? IdOf(written.ModuleId!) : null;
        if (!IdentityId.IsValid(deviceId) || (hasModule && !IdentityId.IsValid(moduleId)))
            return default;
        var kind = (ranges.Length - next) switch
        {
            1 when Is(path[ranges[next]], "twin") => LinkAddressKind.DeviceTwin,
            1 when Is(path[ranges[next]], "commands") => LinkAddressKind.CommandWatch,
            2 when Is(path[ranges[next]], "messages") && Is(path[ranges[next + 1]], "events") =>
                LinkAddressKind.DeviceEvents,
            2 when Is(path[ranges[next]], "messages") && Is(path[ranges[next + 1]], "devicebound") =>
                LinkAddressKind.DeviceCommands,
            2 when Is(path[ranges[next]], "methods") && Is(path[ranges[next + 1]], "devicebound") =>
                LinkAddressKind.DeviceMethods,
            _ => LinkAddressKind.Unknown,
        };
        return new(kind, TailOf(path, ranges, next), deviceId, moduleId)
        {
            AsWritten = deviceId == written.DeviceId && moduleId == written.ModuleId ? null : written,
        };
    }

    private static LinkAddress ParseMessages(
        ReadOnlySpan<char> path, ReadOnlySpan<Range> ranges, ReadOnlySpan<char> whole)
    {
        var second = path[ranges[1]];
        if (Is(second, "events"))
            return new(LinkAddressKind.HubEvents, whole[ranges[1].End..].ToString());
        if (Is(second, "devicebound") && ranges.Length == 2)
            return new(LinkAddressKind.ServiceCommands);
        if (Is(second, "servicebound") && ranges.Length == 3)
        {
            if (Is(path[ranges[2]], "feedback"))
                return new(LinkAddressKind.Feedback);
            if (Is(path[ranges[2]], "filenotifications"))
                return new(LinkAddressKind.FileNotifications);
        }
        return default;
    }

    private static ReadOnlySpan<char> WithoutAuthority(string text)
    {
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
            return text;
        var rest = text.AsSpan(scheme + 3);
        var slash = rest.IndexOf('/');
        return slash < 0 ? default : rest[slash..];
    }

    private static string TailOf(ReadOnlySpan<char> path, ReadOnlySpan<Range> ranges, int from) =>
        from >= ranges.Length ? "" : path[ranges[from].Start..].ToString();

    private static bool Is(ReadOnlySpan<char> segment, ReadOnlySpan<char> literal) =>
        segment.Equals(literal, StringComparison.OrdinalIgnoreCase);

    /// <summary>The decoded id; what is none when decoded was not encoded.</summary>
    private static string IdOf(string written) => Decode(written) is var id && IdentityId.IsValid(id) ? id : written;

    private static string Decode(ReadOnlySpan<char> segment) => Uri.UnescapeDataString(segment);
}
