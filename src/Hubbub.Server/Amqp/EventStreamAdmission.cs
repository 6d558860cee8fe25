using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Core.Identities;
using Hubbub.Server.Amqp.Endpoints;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp;

/// <summary>Opens readers of the events entity: address, filter, epoch, and the rules between readers.</summary>
internal static class EventStreamAdmission
{
    private const string SelectorName = "apache.org:selector-filter:string";
    private const ulong SelectorCode = 0x0000_468C_0000_0004;
    private const ulong SelectorCodeOfDotNet = 0x0000_0013_7000_000A;
    private const string Epoch = "com.microsoft:epoch";
    private const string ReceiverName = "com.microsoft:receiver-name";
    private const string RuntimeMetric = "com.microsoft:enable-receiver-runtime-metric";

    public static (LinkEndpoint? Endpoint, AmqpError? Error) Open(
        HubConnection connection, SenderLink link, Attach attach, in LinkAddress address)
    {
        if (connection.Services.Entities.Find(address.Entity) is not { } entity)
            return (null, Unknown(connection, address));
        var endpoint = new EventStreamEndpoint(connection, link, entity, address.Tail)
        {
            ReaderName = TextOf(attach, ReceiverName),
            Epoch = EpochOf(attach),
            WantsMetrics = attach.DesiredCapabilities?.Contains(RuntimeMetric) ?? false,
        };
        if (LinkAdmission.Authorise(connection, endpoint) is { } refusal)
            return (null, refusal);
        if (!address.TrySplitReader(out var groupName, out var partitionId))
        {
            return (null, LinkAdmission.Refuse(connection, HubErrorCode.AmqpAddressNotFound,
                $"'{address.Entity}/{address.Tail}' is no reader's address; expected "
                + $"{entity.Name}/ConsumerGroups/<group>/Partitions/<id>."));
        }
        if (entity.Groups.Find(groupName) is not { } group)
            return (null, NotFound(connection, $"{entity.Name}/ConsumerGroups/{groupName}"));
        if (entity.FindPartition(partitionId) is not { } partition)
        {
            return (null, AmqpErrors.Error(
                Conditions.ArgumentOutOfRange,
                $"The specified partition is invalid for an event hub partition receiver: '{partitionId}'. "
                + $"Valid ones are 0 to {entity.Log.Partitions.Count - 1}.",
                connection.TrackingId()));
        }
        var position = PositionOf(connection, attach);
        if (position.Error is not null)
            return (null, position.Error);
        var cursor = partition.Open(position.Value);
        if (!cursor.IsOk)
            return (null, cursor.Error!.ToAmqp(connection.TrackingId()));
        connection.EndDetached();
        if (entity.Readers.Add(group.Name, partition.Id, endpoint) is { } conflict)
        {
            cursor.Value.Dispose();
            return (null, AmqpErrors.Error(conflict.Condition, conflict.Reason, connection.TrackingId()));
        }
        endpoint.Begin(group.Name, partition, cursor.Value);
        if (entity.Groups.Find(groupName) == group && !entity.IsRemoved)
            return (endpoint, null);
        // The group or the entity was deleted meanwhile, and its readers were told before this one was among them.
        endpoint.OnStopped();
        connection.Wake(endpoint);
        return (null, NotFound(connection, $"{entity.Name}/ConsumerGroups/{groupName}"));
    }

    // Who may read events learns that there are none by that name, and stops trying; others learn nothing.
    private static AmqpError Unknown(HubConnection connection, in LinkAddress address) =>
        connection.Claims.Find(address, static (claim, a) => claim.AllowsEntity(a.Entity!, a.Tail)) is null
            ? LinkAdmission.Unauthorised(connection)
            : NotFound(connection, address.Entity!);

    private static (EventPosition Value, AmqpError? Error) PositionOf(HubConnection connection, Attach attach)
    {
        if ((attach.Source as Source)?.Filter is not { } filters)
            return (EventPosition.Earliest, null);
        string? selector = null;
        foreach (var (key, value) in filters)
        {
            if (value.IsNull)
                continue;
            if (!IsSelector(key, value, out var text))
            {
                return (default, NotAllowed(connection,
                    $"The link has an invalid filter type: {key}. Only the Apache selector filter "
                    + $"({SelectorName}) is supported."));
            }
            if (selector is not null)
                return (default, NotAllowed(
                    connection, "The link has two selector filters; one position can be given."));
            selector = text;
        }
        if (selector is null)
            return (EventPosition.Earliest, null);
        var parsed = PositionFilter.Parse(selector);
        return parsed.IsOk ? (parsed.Value, null) : (default, parsed.Error!.ToAmqp(connection.TrackingId()));
    }

    private static AmqpError NotAllowed(HubConnection connection, string text) =>
        AmqpErrors.Error(ErrorCondition.NotAllowed, text, connection.TrackingId());

    private static bool IsSelector(AmqpValue key, AmqpValue value, out string text)
    {
        text = "";
        var inner = value;
        if (value.TryGetDescribed(out var descriptor, out var described))
        {
            inner = described;
            var known = descriptor.TryGetUInt64(out var code)
                ? code is SelectorCode or SelectorCodeOfDotNet
                : descriptor.TextEquals(SelectorName);
            if (!known)
                return false;
        }
        else if (!key.TextEquals(SelectorName))
        {
            return false;
        }
        if (!inner.TryGetString(out var found, orSymbol: true))
            return false;
        text = found;
        return true;
    }

    private static long? EpochOf(Attach attach) =>
        attach.Properties is { } properties && properties.TryGet(Epoch, out var value)
            && value.TryGetInt64(out var epoch)
            ? epoch
            : null;

    private static string? TextOf(Attach attach, string key) =>
        attach.Properties is { } properties && properties.TryGet(key, out var value) && value.TryGetString(out var text)
            ? text[..Math.Min(text.Length, 256)]
            : null;

    private static AmqpError NotFound(HubConnection connection, string what) =>
        LinkAdmission.Refuse(connection, HubErrorCode.EntityNotFound, NotFoundText(connection.Services.Hub, what));

    /// <summary>Clients tell by this very wording that there is no use in trying again.</summary>
    public static string NotFoundText(HubIdentity hub, string what) =>
        $"The messaging entity '{hub.HostNames[0]}/{what}' could not be found.";
}
