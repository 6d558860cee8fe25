using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Hubbub.Core.Identities;
using Hubbub.Core.Queries;

namespace Hubbub.Server.Http;

/// <summary>
/// The row of a device or module in a query: the members of its twin. One object goes through all rows.
/// </summary>
internal sealed class TwinRow(IdentityViews views) : IQueryRow
{
    // Written in any case; the identity's own spelling of a time is taken for the twin's.
    private static readonly FrozenDictionary<string, Func<TwinRow, QueryValue>> Members =
        new Dictionary<string, Func<TwinRow, QueryValue>>(StringComparer.OrdinalIgnoreCase)
        {
            ["deviceId"] = static r => QueryValue.Of(r.Device.DeviceId),
            ["moduleId"] = static r => r.Module is { } module ? QueryValue.Of(module.ModuleId) : QueryValue.Undefined,
            ["etag"] = static r => QueryValue.Of(r.Body.ETag),
            ["deviceEtag"] = static r => QueryValue.Of(r.Module?.ETag ?? r.Device.ETag),
            ["status"] = static r => QueryValue.Of(IdentityText.Status(r.Device.Status)),
            ["statusReason"] = static r => OrUndefined(r.Device.StatusReason),
            ["statusUpdateTime"] = static r => Time(r.Device.StatusUpdatedTime),
            ["statusUpdatedTime"] = static r => Time(r.Device.StatusUpdatedTime),
            ["connectionState"] = static r => QueryValue.Of(IdentityText.ConnectionState(r.Presence)),
            ["lastActivityTime"] = static r => Time(r.Presence.ActiveAt),
            ["cloudToDeviceMessageCount"] = static r => QueryValue.Of(r.Body.CloudToDeviceMessageCount),
            ["authenticationType"] = static r => QueryValue.Of(IdentityText.AuthenticationType(r.Authentication.Type)),
            ["x509Thumbprint"] = static r => Composite(r.Body.X509Thumbprint, ApiJson.Default.ThumbprintBody),
            ["modelId"] = static r => QueryValue.Of(r.Body.ModelId),
            ["version"] = static r => QueryValue.Of(r.Body.Version),
            ["properties"] = static r => Composite(r.Body.Properties, ApiJson.Default.TwinPropertiesBody),
            ["capabilities"] = static r => Composite(r.Body.Capabilities, ApiJson.Default.CapabilitiesBody),
            ["deviceScope"] = static r => OrUndefined(r.Body.DeviceScope),
            ["parentScopes"] = static r => r.Body.ParentScopes is { } scopes
                ? QueryValue.Of(new JsonArray([.. scopes.Select(s => (JsonNode)s)]))
                : QueryValue.Undefined,
        }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private TwinBody? _body;

    public DeviceIdentity Device { get; private set; } = null!;

    public ModuleIdentity? Module { get; private set; }

    /// <summary>The whole twin.</summary>
    public TwinBody Body => _body ??= TwinBody.Of(Device, Module, views);

    private PresenceState Presence => Module is null ? views.PresenceOf(Device) : views.PresenceOf(Module);

    private IdentityAuthentication Authentication => Module?.Authentication ?? Device.Authentication;

    public void MoveTo(DeviceIdentity device, ModuleIdentity? module) =>
        (Device, Module, _body) = (device, module, null);

    public QueryValue ValueAt(QueryPath path)
    {
        if (!Members.TryGetValue(path.Root, out var read))
            return QueryValue.Undefined;
        var value = read(this);
        return path.Steps.IsEmpty ? value : Inside(value.Composite, path.Steps);
    }

    private static QueryValue Inside(JsonNode? node, ImmutableArray<QueryStep> steps)
    {
        foreach (var step in steps)
        {
            switch (node)
            {
                case JsonObject members when step.Name is { } name && members.TryGetPropertyValue(name, out var member):
                    node = member;
                    break;
                case JsonArray elements when step.Name is null && step.Index < elements.Count:
                    node = elements[step.Index];
                    break;
                default:
                    return QueryValue.Undefined;
            }
        }
        return QueryValue.Of(node);
    }

    private static QueryValue OrUndefined(string? text) => text is null ? QueryValue.Undefined : QueryValue.Of(text);

    private static QueryValue Time(DateTimeOffset? time) =>
        QueryValue.Of(time ?? DateTimeOffset.MinValue, IdentityText.Time(time));

    private static QueryValue Composite<T>(T? body, JsonTypeInfo<T> type) => body is null
        ? QueryValue.Undefined
        : QueryValue.Of(JsonSerializer.SerializeToNode(body, type));
}
