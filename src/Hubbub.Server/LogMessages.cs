using Microsoft.Extensions.Logging;

namespace Hubbub.Server;

/// <summary>Every log line of the server. Event ids: 1-99 hosting, 100-199 AMQP, 200-299 HTTP, 300-399 storage,
/// 450-499 deliveries of custom endpoints.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Information,
        "{HostName} is ready: AMQPS {AmqpsPort}, HTTPS {HttpsPort}, plain AMQP {AmqpPort} (0 = off), data in {Data}.")]
    public static partial void HubReady(
        this ILogger logger, string hostName, int amqpsPort, int httpsPort, int amqpPort, string data);

    [LoggerMessage(2, LogLevel.Information, "Stopping: no new connections, the open ones are being closed.")]
    public static partial void HubStopping(this ILogger logger);

    [LoggerMessage(3, LogLevel.Information, "Stopped after {ElapsedMs} ms.")]
    public static partial void HubStopped(this ILogger logger, long elapsedMs);

    [LoggerMessage(4, LogLevel.Warning, "{Reason} HTTPS listens on {Port} instead; clients that cannot be told a port "
        + "(Azure's SDKs, for WebSocket and REST) need 443.")]
    public static partial void HttpsPortReplaced(this ILogger logger, string reason, int port);

    [LoggerMessage(5, LogLevel.Information, "A server certificate for {HostNames} was issued: {Path}.")]
    public static partial void CertificateIssued(this ILogger logger, string hostNames, string path);

    [LoggerMessage(6, LogLevel.Information,
        "New connections are shown the renewed certificate of {Subject}, valid until {NotAfter:u}.")]
    public static partial void CertificateReplaced(this ILogger logger, string subject, DateTime notAfter);

    [LoggerMessage(7, LogLevel.Error, "The changed certificate {Path} cannot be used, the old one stays: {Reason}")]
    public static partial void CertificateRefused(this ILogger logger, string path, string reason);

    [LoggerMessage(8, LogLevel.Warning, "The stop took longer than {TimeoutMs} ms; the connections left were cut.")]
    public static partial void StopTimedOut(this ILogger logger, int timeoutMs);

    [LoggerMessage(9, LogLevel.Error, "{Path} cannot be written and holds old keys; restart the hub: {Reason}")]
    public static partial void DescriptionNotWritten(this ILogger logger, string path, string reason);

    [LoggerMessage(100, LogLevel.Information, "{ConnectionId}: SASL {Mechanism} refused: {Reason}")]
    public static partial void AmqpSaslRefused(
        this ILogger logger, string connectionId, string mechanism, string reason);

    [LoggerMessage(101, LogLevel.Information, "{ConnectionId}: token for '{Name}' refused: {Reason}")]
    public static partial void AmqpTokenRefused(this ILogger logger, string connectionId, string name, string reason);

    [LoggerMessage(102, LogLevel.Information,
        "{ConnectionId}: link '{Link}' to '{Address}' refused: {Condition}: {Reason}")]
    public static partial void AmqpLinkRefused(
        this ILogger logger, string connectionId, string link, string address, string condition, string reason);

    [LoggerMessage(103, LogLevel.Information, "{ConnectionId}: link '{Link}' ended: {Condition}: {Reason}")]
    public static partial void AmqpLinkEnded(
        this ILogger logger, string connectionId, string link, string condition, string reason);

    [LoggerMessage(104, LogLevel.Information, "{ConnectionId}: closed by {Side}: {Condition}: {Reason}")]
    public static partial void AmqpConnectionEnded(
        this ILogger logger, string connectionId, string side, string condition, string reason);

    [LoggerMessage(105, LogLevel.Information, "{ConnectionId}: closing: {Condition}: {Reason}")]
    public static partial void AmqpConnectionClosed(
        this ILogger logger, string connectionId, string condition, string reason);

    [LoggerMessage(106, LogLevel.Error, "{ConnectionId}: closed because of a defect in the hub; please report it.")]
    public static partial void AmqpConnectionFailed(this ILogger logger, string connectionId, Exception fault);

    [LoggerMessage(107, LogLevel.Information,
        "{ConnectionId}: event of device '{DeviceId}' rejected: {Condition}: {Reason} ({TrackingId})")]
    public static partial void AmqpEventRejected(
        this ILogger logger, string connectionId, string deviceId, string condition, string reason, string trackingId);

    [LoggerMessage(108, LogLevel.Information, "{ConnectionId}: what the connection had proven has ended: {Reason}")]
    public static partial void AmqpClaimEnded(this ILogger logger, string connectionId, string reason);

    [LoggerMessage(109, LogLevel.Information, "{ConnectionId}: $management request refused: {Reason}")]
    public static partial void AmqpManagementRefused(this ILogger logger, string connectionId, string reason);

    [LoggerMessage(110, LogLevel.Error,
        "{ConnectionId}: reading partition {Partition} of '{Entity}' met damage: {Reason}")]
    public static partial void AmqpReaderDamaged(
        this ILogger logger, string connectionId, string entity, int partition, string reason);

    [LoggerMessage(111, LogLevel.Information, "{ConnectionId}: command rejected: {Condition}: {Reason} ({TrackingId})")]
    public static partial void AmqpCommandRejected(
        this ILogger logger, string connectionId, string condition, string reason, string trackingId);

    [LoggerMessage(112, LogLevel.Error, "{ConnectionId}: an operation failed, a defect in the hub; please report it.")]
    public static partial void AmqpOperationFailed(this ILogger logger, string connectionId, Exception fault);

    [LoggerMessage(113, LogLevel.Warning,
        "Failed authentications from {Address}, last as {Holder}, are many; their answers are delayed from now on.")]
    public static partial void AuthenticationsSlowed(this ILogger logger, string address, string holder);

    [LoggerMessage(200, LogLevel.Information, "{Method} {Path} from {Peer} was refused with {Status} {Code}: {Reason}")]
    public static partial void RequestRefused(
        this ILogger logger, string method, string path, string peer, int status, string code, string reason);

    [LoggerMessage(201, LogLevel.Error, "{Method} {Path} failed; this is a bug, or the storage has failed.")]
    public static partial void RequestFailed(this ILogger logger, Exception failure, string method, string path);

    [LoggerMessage(111, LogLevel.Warning,
        "{ConnectionId}: cut, for too many connections have proven nothing and it is the oldest from {Address}.")]
    public static partial void AmqpUnprovenDropped(this ILogger logger, string connectionId, string address);

    [LoggerMessage(300, LogLevel.Critical,
        "The event log failed and acknowledges nothing more: {Reason}. The hub stops; start it again to recover.")]
    public static partial void EventLogFailed(this ILogger logger, string reason, Exception cause);

    [LoggerMessage(301, LogLevel.Error,
        "Partition {Partition} is damaged in {File} from offset {Position} to {Resume}: stored checksum {Expected:x8}, "
        + "actual {Actual:x8}. The part is kept as it is; readers stop in front of it.")]
    public static partial void EventLogDamaged(
        this ILogger logger, int partition, string file, long position, long resume, uint expected, uint actual);

    [LoggerMessage(302, LogLevel.Information,
        "Partition {Partition}: a write that was never acknowledged was cut off {File} at offset "
        + "{Position} ({Bytes} bytes).")]
    public static partial void EventLogTailCut(
        this ILogger logger, int partition, string file, long position, long bytes);

    [LoggerMessage(303, LogLevel.Error,
        "Partition {Partition}: the disk is full; new events are refused until there is room.")]
    public static partial void EventLogFull(this ILogger logger, int partition);

    [LoggerMessage(304, LogLevel.Information, "Partition {Partition}: the disk has room again; events are taken.")]
    public static partial void EventLogHasRoom(this ILogger logger, int partition);

    [LoggerMessage(305, LogLevel.Warning,
        "The clock jumped forward by {JumpSeconds} s; retention by time rests for an hour, "
        + "so that a wrong clock deletes nothing.")]
    public static partial void EventLogRetentionPaused(this ILogger logger, long jumpSeconds);

    [LoggerMessage(306, LogLevel.Warning, "Partition {Partition}: upkeep failed and is tried again.")]
    public static partial void EventLogUpkeepFailed(this ILogger logger, int partition, Exception cause);

    [LoggerMessage(307, LogLevel.Error,
        "Partition {Partition}: a call-back failed, a defect in the hub; please report it.")]
    public static partial void EventLogCallbackFailed(this ILogger logger, int partition, Exception cause);

    [LoggerMessage(308, LogLevel.Critical,
        "The state database failed; nothing can be stored any more. The hub stops; start it again to recover.")]
    public static partial void StateFailed(this ILogger logger, Exception cause);

    [LoggerMessage(309, LogLevel.Error,
        "When devices were last heard of is not stored any more, until the next start.")]
    public static partial void ActivityRecordingFailed(this ILogger logger, Exception cause);

    [LoggerMessage(310, LogLevel.Error, "{Reason}")]
    public static partial void CommandsUnreadable(this ILogger logger, string reason);

    [LoggerMessage(450, LogLevel.Information, "Endpoint '{Endpoint}' takes events.")]
    public static partial void EndpointHealthy(this ILogger logger, string endpoint);

    [LoggerMessage(451, LogLevel.Warning,
        "Endpoint '{Endpoint}' is {Health}; its events wait and are tried again: {Reason}")]
    public static partial void EndpointFailing(
        this ILogger logger, string endpoint, Hubbub.Core.Routing.Dispatch.EndpointHealth health, string reason);

    [LoggerMessage(452, LogLevel.Warning,
        "Endpoint '{Endpoint}': {Count} events from number {First} on were put aside as dead letters: {Reason}")]
    public static partial void EndpointDeadLettered(
        this ILogger logger, string endpoint, int count, long first, string reason);

    [LoggerMessage(453, LogLevel.Error,
        "Endpoint '{Endpoint}': {Count} events from number {First} on are lost; "
        + "they were removed before they could be delivered.")]
    public static partial void EndpointEventsLost(this ILogger logger, string endpoint, long count, long first);

    [LoggerMessage(454, LogLevel.Warning,
        "Endpoint '{Endpoint}': its position {Stored} lies behind the end of its stream, {Last}; "
        + "it starts from the beginning.")]
    public static partial void EndpointPositionReset(this ILogger logger, string endpoint, long stored, long last);

    [LoggerMessage(455, LogLevel.Error, "Endpoint '{Endpoint}': a defect in the hub; please report it.")]
    public static partial void EndpointFaulted(this ILogger logger, string endpoint, Exception fault);

    [LoggerMessage(460, LogLevel.Information,
        "Routing is in force: {Routes} routes, {Endpoints} custom endpoints, {Enrichments} enrichments.")]
    public static partial void RoutingChanged(this ILogger logger, int routes, int endpoints, int enrichments);

    [LoggerMessage(461, LogLevel.Warning,
        "Endpoint '{Endpoint}' is gone, but not all of its stream '{Stream}' could be removed from the disk: {Reason}")]
    public static partial void EndpointNotRemoved(this ILogger logger, string endpoint, string stream, string reason);

    [LoggerMessage(462, LogLevel.Information,
        "The stream '{Stream}' of an endpoint that is gone was removed from the disk.")]
    public static partial void LeftoverStreamRemoved(this ILogger logger, string stream);

    [LoggerMessage(463, LogLevel.Warning,
        "The stream '{Stream}' of an endpoint that is gone could not be removed from the disk: {Reason}")]
    public static partial void LeftoverStreamNotRemoved(this ILogger logger, string stream, string reason);

    [LoggerMessage(464, LogLevel.Warning,
        "No endpoint has the stream '{Stream}', so its events go nowhere. It is kept in {Directory} until "
        + "{GoneAt:u}, in case an older state database was put back; if its events are not missed, delete it.")]
    public static partial void LeftoverStreamKept(
        this ILogger logger, string stream, string directory, DateTimeOffset goneAt);
}
