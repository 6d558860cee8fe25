using System.Net;
using Hubbub.Core.Security;
using Hubbub.Server.Amqp;
using Hubbub.Server.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Hubbub.Server.Hosting;

/// <summary>Kestrel with the hub's three kinds of listeners, and nothing of ASP.NET Core beyond their need.</summary>
internal static class Listeners
{
    public static WebApplication Build(
        HubOptions options,
        ListenSockets sockets,
        ServerCertificate certificate,
        HandshakeGate gate,
        AmqpConnectionHandler amqp,
        Action<ClientCertificate> meet,
        ILoggerFactory loggerFactory)
    {
        // The empty builder: no configuration files, no environment variables, no host filtering, no console.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = "hubbub",
            EnvironmentName = "Production",
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Services.AddSingleton(loggerFactory);
        builder.Services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(
            host => host.ShutdownTimeout = HostingLimits.StopTimeout);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.UseSockets(transport =>
        {
            transport.Backlog = HostingLimits.ListenBacklog;
            transport.NoDelay = true;
            transport.MaxReadBufferSize = HostingLimits.ReadBufferBytesMax;
            transport.MaxWriteBufferSize = HostingLimits.WriteBufferBytesMax;
            transport.CreateBoundListenSocket = sockets.Take;
        });
        // Behind Kestrel's own registrations: the last one counts.
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, TransportBlockFactory>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            SetLimits(kestrel, options);
            foreach (var endPoint in sockets.Amqps)
                kestrel.Listen(endPoint, listen =>
                {
                    UseTls(listen, certificate, gate, meet);
                    listen.Run(amqp.OnConnectedAsync);
                });
            foreach (var endPoint in sockets.Https)
                kestrel.Listen(endPoint, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    UseTls(listen, certificate, gate, meet);
                });
            foreach (var endPoint in sockets.Amqp)
                kestrel.Listen(endPoint, listen => listen.Run(amqp.OnConnectedAsync));
        });
        return builder.Build();
    }

    private static void SetLimits(KestrelServerOptions kestrel, HubOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = options.ConnectionsMax;
        kestrel.Limits.MaxConcurrentUpgradedConnections = options.ConnectionsMax;
        kestrel.Limits.MaxRequestHeadersTotalSize = HostingLimits.RequestHeadersBytesMax;
        kestrel.Limits.MaxRequestBodySize = ApiLimits.BodyBytesMax;
        kestrel.Limits.KeepAliveTimeout = HostingLimits.KeepAliveTimeout;
        kestrel.Limits.RequestHeadersTimeout = HostingLimits.HandshakeTimeout;
    }

    private static void UseTls(
        ListenOptions listen, ServerCertificate certificate, HandshakeGate gate, Action<ClientCertificate> meet)
    {
        listen.Use(next => connection => gate.EnterAsync(connection, next));
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = HostingLimits.HandshakeTimeout,
            OnConnection = _ => ValueTask.FromResult(certificate.TlsOptions),
        });
        listen.Use(next => connection => HandshakeGate.LeaveAsync(connection, next));
        listen.Use(next => connection => certificate.Peers.ShowAsync(connection, next, meet));
    }
}
