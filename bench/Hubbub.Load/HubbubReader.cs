using Hubbub.Client;

namespace Hubbub.Load;

/// <summary>An <see cref="EventReader"/> with one consumer, who looks at each event's body.</summary>
internal static class HubbubReader
{
    /// <param name="partition">The partition to read; null for all.</param>
    /// <param name="key">The key of the policy service.</param>
    /// <param name="port">The hub's port.</param>
    /// <param name="caFile">The hub's authority.</param>
    public static Func<int, Task> Open(string? partition, string key, int port, string caFile)
    {
        var reader = EventReader.CreateFromConnectionString(
            $"HostName=localhost;SharedAccessKeyName=service;SharedAccessKey={key};AmqpsPort={port};CaFile={caFile}");
        return async events =>
        {
            long bytes = 0;
            await using var subscription = await reader.SubscribeAsync(
                EventPosition.Start, partition is null ? null : [partition]);
            await foreach (var received in subscription)
            {
                bytes += received.Body.Length;
                if (--events == 0)
                    break;
            }
            if (bytes == 0)
                throw new InvalidOperationException("The events came without bodies.");
        };
    }
}
