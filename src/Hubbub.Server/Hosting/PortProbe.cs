using Microsoft.Extensions.Logging.Abstractions;

namespace Hubbub.Server.Hosting;

/// <summary>Says whether a hub could bind its ports now, without starting one.</summary>
public static class PortProbe
{
    /// <summary>Tries each listener by itself, so that one taken port does not hide another.</summary>
    /// <returns>A listener and its port, and why it may not be bound; null when it may.</returns>
    public static IReadOnlyList<(string Purpose, string? Problem)> Run(HubOptions options)
    {
        List<(string, string?)> results =
        [
            ($"Port {options.AmqpsPort} (AMQPS)", Try(options with { HttpsPort = 0, AmqpPort = null })),
            ($"Port {options.HttpsPort} (HTTPS)",
                Try(options with { AmqpsPort = 0, AmqpPort = null, HttpsFallbackPort = null })),
        ];
        if (options.AmqpPort is { } amqpPort)
            results.Add(($"Port {amqpPort} (plain AMQP)", Try(options with { AmqpsPort = 0, HttpsPort = 0 })));
        return results;
    }

    private static string? Try(HubOptions options)
    {
        try
        {
            using var sockets = ListenSockets.Bind(options, NullLogger.Instance);
            return null;
        }
        catch (HubStartException e)
        {
            return e.Message;
        }
    }
}
