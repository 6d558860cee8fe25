using System.Text;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Core.Security;
using Hubbub.Storage.State;

namespace Hubbub.Storage.Tests.State;

/// <summary>The routing configuration across a restart.</summary>
public sealed class RoutingStoreTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reopen_GivesBackWhatWasSavedLast_AndKeysAreNotReadableOnTheDisk()
    {
        using var directory = new TemporaryDirectory();
        var created = new DateTimeOffset(2026, 4, 5, 6, 7, 8, TimeSpan.Zero);
        var secret = SymmetricKey.Generate();
        var configuration = new RoutingConfiguration
        {
            Endpoints =
            [
                new RouteEndpoint("alerts", "alerts-1", created, new EventStreamOptions(3, TimeSpan.FromHours(36), 1 << 30)),
                new RouteEndpoint(
                    "hook", "hook-2", created, EventStreamOptions.ForSink,
                    new WebhookOptions { Url = "https://example.org/in?x=1", Secret = secret, Timeout = TimeSpan.FromSeconds(7) },
                    new DispatchOptions { BatchCountMax = 3, Linger = TimeSpan.FromMilliseconds(15) }),
                new RouteEndpoint(
                    "files", "files-3", created, EventStreamOptions.ForSink, new JsonFileOptions { Directory = "a/b" }),
                new RouteEndpoint(
                    "kafka", "kafka-4", created, EventStreamOptions.ForSink,
                    new KafkaOptions
                    {
                        BootstrapServers = "k:9093", Topic = "t", UsesTls = true, UserName = "u", Password = new SecretText("p4ssw0rd"),
                    }),
            ],
            Routes =
            [
                new Route("r1", RouteSource.DeviceMessages, "level = 'é \"x\"'\n/* c */", "alerts"),
                new Route("r2", RouteSource.TwinChangeEvents, "true", "hook", IsEnabled: false),
            ],
            Fallback = new FallbackRoute("alerts", IsEnabled: false),
            Enrichments = [new Enrichment("k", "$twin.tags.x", ["alerts", "events"])],
        };

        using (var store = StateStore.Open(directory.Path, TimeProvider.System))
        {
            Assert.Empty((await store.LoadRoutingAsync(Cancellation)).Endpoints);
            Assert.Null(await store.SaveRoutingAsync(configuration with { Routes = [] }, Cancellation));
            Assert.Null(await store.SaveRoutingAsync(configuration, Cancellation));
        }
        using var reopened = StateStore.Open(directory.Path, TimeProvider.System);
        var loaded = await reopened.LoadRoutingAsync(Cancellation);

        Assert.Equal(configuration.Endpoints, loaded.Endpoints);
        Assert.Equal(configuration.Routes, loaded.Routes);
        Assert.Equal(configuration.Fallback, loaded.Fallback);
        Assert.Equal(configuration.Enrichments, loaded.Enrichments);
        foreach (var file in Directory.GetFiles(directory.Path, "state.db*"))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var text = new StreamReader(stream, Encoding.Latin1).ReadToEnd();
            Assert.DoesNotContain(secret.Reveal(), text, StringComparison.Ordinal);
            Assert.DoesNotContain("p4ssw0rd", text, StringComparison.Ordinal);
        }
    }
}
