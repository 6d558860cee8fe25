using System.Text.Json;
using Hubbub.Core.Routing.Json;
using Hubbub.Server.Hosting;
using Hubbub.Server.Tests.Amqp.Harness;
using Microsoft.Extensions.Time.Testing;

namespace Hubbub.Server.Tests.Routing;

/// <summary>
/// What a hub finds on its disk that was killed in the middle of a change of routing, or whose state database is an older
/// one.
/// </summary>
public sealed class LeftoverStreamTests
{
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    [Fact]
    public async Task Stream_ThatNoEndpointHas_IsKeptAWeekAndThenRemoved_AndTheOthersStay()
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

            // Files have the time of the machine, so the hub's clock is set from it.
            var now = TimeProvider.System.GetUtcNow();

            var log = await RunAsync(directory, null, now + (6 * s_day));
            Assert.True(File.Exists(Path.Combine(leftover, "segment")));
            Assert.Contains(log.Lines, static line =>
                line.Contains("'gone-0123456789ab'", StringComparison.Ordinal)
                && line.Contains("is kept in", StringComparison.Ordinal));

            await RunAsync(directory, null, now + (8 * s_day));
            Assert.Equal([kept], Directory.GetDirectories(streams));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<RecordingLog> RunAsync(string directory, string? routing, DateTimeOffset? at = null)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var time = new FakeTimeProvider(at ?? TimeProvider.System.GetUtcNow());
        var log = new RecordingLog();
        var options = new HubOptions { DataDirectory = directory, HostNames = ["hub1"] };
        using var metrics = new HubMetrics();
        await using var core = await HubCore.OpenAsync(options, time, log, cancellation);
        await using var opened = await core.OpenRoutingAsync(options.ToRouting(), metrics, time, log, cancellation);
        if (routing is null)
            return log;
        var changed = await opened.Registry.ChangeAsync(
            current => RoutingJson.Read(JsonDocument.Parse(routing).RootElement, current, time.GetUtcNow()), cancellation);
        Assert.Null(changed.Error);
        return log;
    }
}
