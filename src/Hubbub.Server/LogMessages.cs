using Microsoft.Extensions.Logging;

namespace Hubbub.Server;

/// <summary>Every log line of the server. Event ids: 1-99 hosting, 100-199 AMQP, 200-299 HTTP, 300-399 storage.</summary>
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
}
