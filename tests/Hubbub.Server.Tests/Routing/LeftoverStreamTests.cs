using System.Text.Json;
using Hubbub.Core.Routing.Json;
using Hubbub.Server.Hosting;
using Hubbub.Server.Tests.Amqp.Harness;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Routing;

/// <summary>What a hub that was killed in the middle of a change of routing finds on its disk.</summary>
public sealed class LeftoverStreamTests
{
    [Fact]
    public async Task Stream_ThatNoEndpointHas_IsRemovedAtTheNextStart_AndTheOthersStay()
    {
        var directory = Directory.CreateTempSubdirectory("hubbub-leftover-").FullName;
        try
        {
            await RunAsync(directory, """{"endpoints":[{"name":"kept","type":"stream","partitions":1}]}""");
            var streams = Path.Combine(directory, "streams");
            var kept = Assert.Single(Directory.GetDirectories(streams));
            var leftover = Path.Combine(streams, "gone-0123456789ab", "events", "0");
            Directory.CreateDirectory(leftover);
            await File.WriteAllTextAsync(Path.Combine(leftover, "segment"), "x", TestContext.Current.CancellationToken);

            await RunAsync(directory, null);

            Assert.Equal([kept], Directory.GetDirectories(streams));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task RunAsync(string directory, string? routing)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 10, 0, 0, TimeSpan.Zero));
        var log = new RecordingLog();
        var options = new HubOptions { DataDirectory = directory, HostNames = ["hub1"] };
        using var metrics = new HubMetrics();
        await using var core = await HubCore.OpenAsync(options, time, log, cancellation);
        await using var opened = await core.OpenRoutingAsync(options.ToRouting(), metrics, time, log, cancellation);
        if (routing is null)
            return;
        var changed = await opened.Registry.ChangeAsync(
            current => RoutingJson.Read(JsonDocument.Parse(routing).RootElement, current, time.GetUtcNow()), cancellation);
        Assert.Null(changed.Error);
    }
}
