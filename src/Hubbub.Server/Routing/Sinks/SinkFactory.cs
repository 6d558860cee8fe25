using Hubbub.Core.Routing.Dispatch;
using Hubbub.Storage.Files;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>The sinks that every hub has: webhooks and files.</summary>
/// <param name="policy">What sinks may reach.</param>
/// <param name="time">The clock.</param>
public sealed class SinkFactory(SinkPolicy policy, TimeProvider time) : IEndpointSinkFactory
{
    public bool CanCreate(SinkOptions options) => options is WebhookOptions or JsonFileOptions;

    public IEndpointSink Create(string endpointName, SinkOptions options) => options switch
    {
        WebhookOptions webhook => new WebhookSink(endpointName, webhook, policy, time),
        JsonFileOptions file when file.ResolveDirectory(policy) is { } directory =>
            new JsonFileSink(endpointName, directory, file, LocalFileSystem.Instance, time),
        // The operator took back what was allowed when the endpoint was made: its events wait until that is mended.
        JsonFileOptions file => new ForbiddenSink(file.Validate(policy)!),
        _ => throw new ArgumentException($"No sink for {options.GetType().Name}.", nameof(options)),
    };
}
