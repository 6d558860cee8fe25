using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using Hubbub.Core.Commands;
using Hubbub.Kafka;
using Hubbub.Server.Hosting;
using Microsoft.Extensions.Logging;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub up</c>: runs a hub until SIGTERM or SIGINT.</summary>
internal static class UpCommand
{
    private const int PortMax = ushort.MaxValue;

    private static readonly Option<string> Data = CommonOptions.Data();
    private static readonly Option<string[]> Host = new("--host")
    {
        Description = "A DNS name of the hub; the first is the one in connection strings. Default: localhost.",
        HelpName = "NAME",
    };
    private static readonly Option<int> AmqpsPort = Port("--amqps-port", "AMQP over TLS.", 5671);
    private static readonly Option<int?> HttpsPort = NumberOption.CreateOptional(
        "--https-port", "HTTPS and AMQP over WebSocket. Default: 443, or 8443 when 443 may not be bound.", 0, PortMax);
    private static readonly Option<int> AmqpPort = Port("--amqp-port", "Plain AMQP, on loopback only; 0 = off.", 5672);
    private static readonly Option<IPAddress[]> Bind = new("--bind")
    {
        Description = "An address to listen on. Default: loopback while all host names mean loopback, else all.",
        HelpName = "ADDRESS",
        CustomParser = result => [.. result.Tokens.Select(token =>
        {
            if (!IPAddress.TryParse(token.Value, out var address))
                result.AddError($"'{token.Value}' is no IP address.");
            return address ?? IPAddress.None;
        })],
    };
    private static readonly Option<int> Partitions =
        Limit("--partitions", "Partitions of a new event log; an existing log keeps its own.", 4);
    private static readonly Option<TimeSpan> Retention = new("--retention")
    {
        Description = "How long events are kept, as 12h or 7d. Default: 1d.",
        HelpName = "TIME",
        CustomParser = Quantities.ParseDuration,
    };
    private static readonly Option<long?> RetentionSize = new("--retention-size")
    {
        Description = "How many bytes of events are kept at most, as 10GB. Default: no bound.",
        HelpName = "SIZE",
        CustomParser = Quantities.ParseSize,
    };
    private static readonly Option<int> CommandDepth = Limit(
        "--command-depth", "Pending commands of one device at most; 0 = no bound.", CommandLimits.QueueDepthDefault);
    private static readonly Option<bool> CountLockExpiry =
        new("--count-lock-expiry") { Description = "Count a command's lock that runs out as a delivery." };
    private static readonly Option<TimeSpan> FeedbackWait = new("--feedback-wait")
    {
        Description = "How long feedback waits for more of it, as Azure's 15s. Default: not at all.",
        HelpName = "TIME",
        CustomParser = Quantities.ParseDuration,
    };
    private static readonly Option<int> RoutesMax = Limit("--max-routes", "Routes that the hub may have.", 100);
    private static readonly Option<int> EndpointsMax = Limit(
        "--max-endpoints", "Custom endpoints that the hub may have.", 10);
    private static readonly Option<int> EnrichmentsMax = Limit(
        "--max-enrichments", "Enrichments that the hub may have.", 10);
    private static readonly Option<bool> PrivateWebhooks = new("--allow-private-webhooks")
    {
        Description = "Let webhooks go to private and loopback addresses, and by plain HTTP.",
    };
    private static readonly Option<string[]> FileDirectories = new("--file-directory")
    {
        Description = "A directory in which endpoints may write files; may be given more than once.",
        HelpName = "DIR",
    };
    private static readonly Option<string?> Certificate = new("--certificate")
    {
        Description = "Own server certificate, PEM with its chain or PFX. Default: from the hub's own CA.",
        HelpName = "FILE",
    };
    private static readonly Option<string?> CertificateKey =
        new("--certificate-key") { Description = "The certificate's private key, PEM.", HelpName = "FILE" };
    private static readonly Option<string?> CertificatePassword =
        new("--certificate-password-file") { Description = "A file that holds the PFX's password.", HelpName = "FILE" };
    private static readonly Option<bool> PublicMetrics =
        new("--public-metrics") { Description = "Answer /metrics to every address, not only to loopback." };
    private static readonly Option<bool> ShowSecrets =
        new("--show-secrets") { Description = "Print connection strings although the output is no terminal." };
    private static readonly Option<LogLevel> Level = new("--log-level")
    {
        Description = "Trace, Debug, Information, Warning, Error or None.",
        HelpName = "LEVEL",
        DefaultValueFactory = _ => LogLevel.Information,
    };
    private static readonly Option<bool> Json =
        new("--json") { Description = "Print one JSON object when every listener accepts, then nothing more." };

    public static Command Create()
    {
        var command = new Command("up", "Run a hub.")
        {
            Data, Host, AmqpsPort, HttpsPort, AmqpPort, Bind, Partitions, Retention, RetentionSize,
            CommandDepth, CountLockExpiry, FeedbackWait,
            RoutesMax, EndpointsMax, EnrichmentsMax, PrivateWebhooks, FileDirectories,
            Certificate, CertificateKey, CertificatePassword, PublicMetrics, ShowSecrets, Level, Json,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var options = ToOptions(parsed);
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var terminate = OnSignal(PosixSignal.SIGTERM, stop);
        using var interrupt = OnSignal(PosixSignal.SIGINT, stop);
        await using var log = new StandardErrorLog(options.LogLevel, TimeProvider.System);
        try
        {
            await using var server = await HubServer.StartAsync(options, TimeProvider.System, log, cancellationToken);
            var ready = server.Description with { Pid = null, ReadyMs = SinceProcessStartMs() };
            if (parsed.GetValue(Json))
                Console.Out.WriteLine(ready.ToJson());
            else
                Greeting.Print(ready, showsSecrets: !Console.IsOutputRedirected || parsed.GetValue(ShowSecrets));
            await stop.Task;
            await server.StopAsync();
            return ExitCode.Done;
        }
        catch (HubStartException e)
        {
            throw new CommandFailedException(e.Message, inner: e);
        }
    }

    private static HubOptions ToOptions(ParseResult parsed)
    {
        var hosts = parsed.GetValue(Host) is { Length: > 0 } names ? names : ["localhost"];
        var amqpPort = parsed.GetValue(AmqpPort);
        var options = new HubOptions
        {
            DataDirectory = Path.GetFullPath(parsed.GetValue(Data)!),
            HostNames = hosts,
            AmqpsPort = parsed.GetValue(AmqpsPort),
            HttpsPort = parsed.GetValue(HttpsPort) ?? 443,
            // A port that was asked for is not replaced by another one.
            HttpsFallbackPort = parsed.GetValue(HttpsPort) is null ? 8443 : null,
            AmqpPort = amqpPort == 0 ? null : amqpPort,
            BindAddresses = parsed.GetValue(Bind) is { Length: > 0 } addresses ? addresses : null,
            Partitions = parsed.GetValue(Partitions),
            Retention = parsed.GetResult(Retention) is null ? TimeSpan.FromDays(1) : parsed.GetValue(Retention),
            RetentionBytes = parsed.GetValue(RetentionSize),
            Commands = new CommandOptions
            {
                QueueDepthMax = parsed.GetValue(CommandDepth) is not 0 and var depth ? depth : null,
                CountsLockExpiry = parsed.GetValue(CountLockExpiry),
                FeedbackBatchWait = parsed.GetValue(FeedbackWait),
            },
            RoutesMax = parsed.GetValue(RoutesMax),
            EndpointsMax = parsed.GetValue(EndpointsMax),
            EnrichmentsMax = parsed.GetValue(EnrichmentsMax),
            AllowPrivateWebhooks = parsed.GetValue(PrivateWebhooks),
            FileDirectories = parsed.GetValue(FileDirectories) ?? [],
            CertificatePath = parsed.GetValue(Certificate),
            CertificateKeyPath = parsed.GetValue(CertificateKey),
            CertificatePasswordPath = parsed.GetValue(CertificatePassword),
            SinkFactories = [new KafkaSinkFactory()],
            MetricsPublic = parsed.GetValue(PublicMetrics),
            LogLevel = parsed.GetValue(Level),
        };
        return options.Validate() is { } problem
            ? throw new CommandFailedException(problem, ExitCode.Usage)
            : options;
    }

    private static long SinceProcessStartMs()
    {
        using var process = Process.GetCurrentProcess();
        return (long)(TimeProvider.System.GetLocalNow() - process.StartTime).TotalMilliseconds;
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, TaskCompletionSource stop) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            // A second signal ends the process as usual.
            context.Cancel = stop.TrySetResult();
        });

    private static Option<int> Limit(string name, string description, int otherwise) =>
        NumberOption.Create(name, description, otherwise, 0, int.MaxValue);

    private static Option<int> Port(string name, string description, int port) =>
        NumberOption.Create(name, description, port, 0, PortMax);
}
