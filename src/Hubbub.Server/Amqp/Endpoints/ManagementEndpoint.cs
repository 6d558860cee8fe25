using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Engine;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Server.Messages;

namespace Hubbub.Server.Amqp.Endpoints;

/// <summary>
/// <c>$management</c>: READ of the events entity and of its partitions. Each request is authorised on its own, from the
/// token that it carries or from what the connection has proven; some clients never put one for this node.
/// </summary>
internal sealed class ManagementEndpoint(HubConnection connection, ReceiverLink link) : LinkEndpoint(connection, link)
{
    private const string HubType = "com.microsoft:eventhub";
    private const string PartitionType = "com.microsoft:partition";

    public override uint Credit => HubAmqpLimits.RequestCredit;

    public override void OnDelivery(in IncomingDelivery delivery)
    {
        var receiver = (ReceiverLink)Link;
        var readable = NodeRequest.TryRead(delivery, out var request, out var problem);
        if (delivery.Settled)
            receiver.Release(1);
        else
        {
            receiver.Settle(delivery.Id, delivery.Id, readable
                ? Accepted.Instance
                : new Rejected { Error = AmqpErrors.Error(problem.Condition, problem.Text, Connection.TrackingId()) });
        }
        if (!readable)
            return;
        string? badToken = null;
        var body = Read(request, ref badToken, out var error);
        var reply = error is null
            ? request.Reply(200, "OK", body)
            : request.Reply(AmqpErrors.StatusOf(error.Code), error.Message, condition: Conditions.Of(error.Code));
        if (badToken is null)
        {
            ReplyEndpoint.Reply(Connection, Link.Session, RequestNode.Management, request, reply);
        }
        else
        {
            var holder = Connection.Services.Authenticator.HolderOf(badToken);
            ReplyEndpoint.ReplyToFailure(Connection, Link.Session, RequestNode.Management, request, reply, holder);
        }
        if (error is not null)
            Connection.Services.Logger.AmqpManagementRefused(
                Connection.Peer.ConnectionId, AmqpErrors.Shorten(error.Message));
    }

    private AmqpValue? Read(in NodeRequest request, ref string? badToken, out HubError? error)
    {
        var name = request.Text("name");
        error = Authorise(request, name ?? Connection.Services.Events.Name, ref badToken);
        if (error is not null)
            return null;
        if (!string.Equals(request.Text("operation"), "READ", StringComparison.OrdinalIgnoreCase))
        {
            error = new HubError(
                HubErrorCode.NotImplemented, $"The operation '{request.Text("operation")}' is not supported; READ is.");
            return null;
        }
        if (Connection.Services.Entities.Find(name) is not { } entity)
        {
            error = new HubError(HubErrorCode.EntityNotFound,
                $"The messaging entity '{Connection.Services.Hub.HostNames[0]}/{name}' could not be found.");
            return null;
        }
        switch (request.Text("type"))
        {
            case HubType:
                return Describe(entity);
            case PartitionType:
                var id = request.Text("partition");
                if (id is not null && entity.FindPartition(id) is { } partition)
                    return Describe(entity, partition);
                error = new HubError(HubErrorCode.ArgumentOutOfRange,
                    $"The partition '{id}' does not exist; valid ones are 0 to {entity.Log.Partitions.Count - 1}.");
                return null;
            case var type:
                error = new HubError(
                    HubErrorCode.ArgumentInvalid, $"The type '{type}' is not one of {HubType}, {PartitionType}.");
                return null;
        }
    }

    // For the entity that is asked for: who may read one that is not there is told so, and stops trying.
    private HubError? Authorise(in NodeRequest request, string entityName, ref string? badToken)
    {
        const string Path = "$management";
        var isBuiltIn = entityName.Equals(Connection.Services.Events.Name, StringComparison.OrdinalIgnoreCase)
            || Connection.Services.Entities.Find(entityName) is null;
        if (Connection.Claims.Find(
                (entityName, isBuiltIn),
                static (claim, e) => claim.AllowsEntity(e.entityName, Path, e.isBuiltIn)) is not null)
            return null;
        if (request.Application.TryGet("security_token", out var value))
        {
            if (TokenOf(value) is { } token)
            {
                var verified = Connection.Services.Authenticator.Verify(token);
                if (!verified.IsOk)
                {
                    badToken = token;
                    return verified.Error;
                }
                if (verified.Value.AllowsEntity(entityName, Path, isBuiltIn))
                    return null;
            }
        }
        return new HubError(HubErrorCode.Unauthorized,
            "Unauthorized access. 'Listen' claim(s) are required: put a token of a policy with ServiceConnect whose "
            + "resource covers the entity, or send it as security_token.");
    }

    // One client sends the token as the descriptor of a described value, the others as a plain string.
    private static string? TokenOf(AmqpValue value)
    {
        if (value.TryGetDescribed(out var descriptor, out var inner))
            value = descriptor.TryGetBinary(out _) || descriptor.TryGetString(out _, orSymbol: true)
                ? descriptor
                : inner;
        if (value.TryGetString(out var text, orSymbol: true))
            return text;
        return value.TryGetBinary(out var bytes) ? System.Text.Encoding.UTF8.GetString(bytes.Span) : null;
    }

    private static AmqpValue Describe(EventEntity entity)
    {
        var ids = new string[entity.Log.Partitions.Count];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = i.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return AmqpValue.From(new AmqpMapBuilder(MapKeyKind.String)
            .Add("name", entity.Name)
            .Add("type", HubType)
            .Add("created_at", entity.Log.CreatedAt)
            .Add("partition_count", ids.Length)
            .Add("partition_ids", ids)
            // One newer client demands it; 1 says that there is no geographic replication.
            .Add("georeplication_factor", 1)
            .Build());
    }

    private static AmqpValue Describe(EventEntity entity, IEventPartition partition)
    {
        var state = partition.State;
        return AmqpValue.From(new AmqpMapBuilder(MapKeyKind.String)
            .Add("name", entity.Name)
            .Add("type", PartitionType)
            .Add("partition", partition.Id.ToString(System.Globalization.CultureInfo.InvariantCulture))
            .Add("begin_sequence_number", state.BeginSequenceNumber)
            .Add("last_enqueued_sequence_number", state.LastSequenceNumber)
            .Add("last_enqueued_offset", state.LastOffset.ToString(System.Globalization.CultureInfo.InvariantCulture))
            .Add("last_enqueued_time_utc", DateTimeOffset.FromUnixTimeMilliseconds(state.LastEnqueuedTimeMs))
            .Add("is_partition_empty", state.IsEmpty)
            .Build());
    }
}
