using System.Text.Json;
using CsCheck;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Server.Tests.Http;

/// <summary>Import and export of the registry, line by line.</summary>
public sealed class TransferApiTests
{
    private const string Key1 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    private const string Key2 = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    /// <summary>The shape of the service's export blob: twins with metadata, modules, every kind of authentication.</summary>
    private static readonly string AzureExport = Path.Combine(AppContext.BaseDirectory, "Http", "azure-export.txt");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnExportOfAzures_IsImportedWithItsKeys()
    {
        await using var hub = await ApiHost.StartAsync();

        var report = await ImportAsync(hub, await File.ReadAllTextAsync(AzureExport, Cancellation));

        Assert.Equal(["line 4: DeviceNotFound"], report.Errors);
        Assert.Equal((5, 0, 1), (report.Changed, report.Unchanged, report.Failed));
        Assert.Equal(1, report.Summary.GetProperty("twinsNotImported").GetInt32());
        var device = hub.Registry.FindDevice("devB")!;
        Assert.Equal((Key1, Key2), (device.Authentication.Keys!.Primary.Reveal(), device.Authentication.Keys.Secondary.Reveal()));
        Assert.Equal(("MA==", DeviceStatus.Disabled, "stolen"), (device.ETag, device.Status, device.StatusReason));
        Assert.Equal(Key2, hub.Registry.FindModule("devB", "module1")!.Authentication.Keys!.Primary.Reveal());
        Assert.Equal(
            (AuthenticationType.SelfSigned, new string('A', 40)),
            (hub.Registry.FindDevice("x509")!.Authentication.Type, hub.Registry.FindDevice("x509")!.Authentication.PrimaryThumbprint));
        Assert.Equal(AuthenticationType.CertificateAuthority, hub.Registry.FindDevice("ca")!.Authentication.Type);
    }

    [Fact]
    public async Task AnyRegistry_MovedToAnotherHub_IsExportedThereAsItWasHere() => await Registries.SampleAsync(
        async operations =>
        {
            await using var from = await ApiHost.StartAsync();
            await using var to = await ApiHost.StartAsync();
            await from.Registry.ApplyAsync(operations, Cancellation);
            var exported = await ExportAsync(from);

            var first = await ImportAsync(to, exported);
            var again = await ImportAsync(to, exported);

            Assert.Equal(0, first.Failed);
            Assert.Equal((0, first.Changed + first.Unchanged), (again.Changed, again.Unchanged)); // It can be repeated.
            Assert.Equal(exported, await ExportAsync(to));
            Assert.Equal(from.Registry.DeviceCount + from.Registry.ModuleCount, exported.Count(c => c == '\n'));
        },
        iter: 8);

    [Fact]
    public async Task LinesThatAreRefused_AreReportedWithTheirNumbers_AndTheOthersAreDone()
    {
        await using var hub = await ApiHost.StartAsync();
        var huge = "{\"id\":\"huge\",\"tags\":\"" + new string('x', 600_000) + "\"}";
        string[] lines =
        [
            "\uFEFF{\"id\":\"d1\"}\r",
            "nonsense",
            "",
            "[]",
            huge,
            "{\"id\":\"d1\",\"importMode\":\"create\"}",
            "{\"status\":\"enabled\"}",
            "{\"id\":\"d2\",\"importMode\":\"sometimes\"}",
            "{\"id\":\"d 3\"}",
            "{\"id\":\"d4\",\"authentication\":{\"symmetricKey\":{\"primaryKey\":\"short\",\"secondaryKey\":\"short\"}}}",
            "{\"id\":\"d5\",\"moduleId\":\"m1\"}",
            "{\"id\":\"d6\",\"id\":\"d7\"}",
            "{\"id\":\"d8\",\"importMode\":\"updateTwin\"}",
            "{\"id\":\"d9\"}",
        ];

        var report = await ImportAsync(hub, string.Join('\n', lines));

        Assert.Equal(
            [
                "line 2: IotHubFormatError", "line 4: IotHubFormatError", "line 5: ArgumentInvalid", "line 6: DeviceAlreadyExists",
                "line 7: ArgumentNull", "line 8: ArgumentInvalid", "line 9: ArgumentInvalid", "line 10: ArgumentInvalid",
                "line 11: DeviceNotFound", "line 12: IotHubFormatError", "line 13: NotImplemented",
            ],
            report.Errors.OrderBy(e => int.Parse(e.Split(' ', ':')[1], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(["d1", "d9"], hub.Registry.ListDevices(10).Select(d => d.DeviceId));
        Assert.DoesNotContain("short", report.Text, StringComparison.Ordinal); // Not even a bad key is repeated.
    }

    [Fact]
    public async Task EachImportMode_DoesWhatItSays()
    {
        await using var hub = await ApiHost.StartAsync();
        await ImportAsync(hub, "{\"id\":\"a\",\"eTag\":\"MQ==\"}\n{\"id\":\"b\",\"eTag\":\"MQ==\"}\n{\"id\":\"c\",\"eTag\":\"MQ==\"}");

        var report = await ImportAsync(hub, """
            {"id":"a","importMode":"Update","status":"disabled"}
            {"id":"b","importMode":"updateIfMatchETag","eTag":"MQ==","status":"disabled"}
            {"id":"b","importMode":"updateIfMatchETag","eTag":"MQ==","status":"enabled"}
            {"id":"c","importMode":"CreateOrUpdateIfMatchETag","eTag":"Mg==","status":"disabled"}
            {"id":"d","importMode":"createOrUpdateIfMatchETag","eTag":"MQ=="}
            {"id":"c","importMode":"deleteIfMatchETag","eTag":"MQ=="}
            {"id":"c","importMode":"delete"}
            {"id":"e","importMode":"update"}
            """);

        Assert.Equal(
            ["line 3: PreconditionFailed", "line 4: PreconditionFailed", "line 7: DeviceNotFound", "line 8: DeviceNotFound"],
            report.Errors);
        Assert.Equal(
            [("a", false), ("b", false), ("d", true)],
            hub.Registry.ListDevices(10).Select(d => (d.DeviceId, d.IsEnabled)));
    }

    [Fact]
    public async Task ADevicesFiftyModules_AreImported_AndTheNextOneIsNot()
    {
        await using var hub = await ApiHost.StartAsync();
        var lines = Enumerable.Range(0, 51).Select(i => $$"""{"id":"d1","moduleId":"m{{i:00}}"}""").Prepend("""{"id":"d1"}""");

        var report = await ImportAsync(hub, string.Join('\n', lines));

        Assert.Equal(["line 52: TooManyModulesOnDevice"], report.Errors);
        Assert.Equal(50, hub.Registry.ListModules("d1").Value.Count);
        Assert.Equal(51, (await ExportAsync(hub)).Count(c => c == '\n'));
    }

    [Fact]
    public async Task ManyBatches_WithMoreErrorsThanAreListed_AreCountedToTheLast()
    {
        await using var hub = await ApiHost.StartAsync();
        var lines = Enumerable.Range(0, 5_000).Select(i => $$"""{"id":"d{{i}}"}""")
            .Concat(Enumerable.Repeat("x", 10_050));

        var report = await ImportAsync(hub, string.Join('\n', lines));

        Assert.Equal((5_000, 10_050, 50), (report.Changed, report.Failed, report.Summary.GetProperty("failedNotListed").GetInt32()));
        Assert.Equal(10_000, report.Errors.Count);
        Assert.Equal(5_000, hub.Registry.DeviceCount);
    }

    [Fact]
    public async Task Rights_ToImportAndToExportKeys_AreThoseToWrite()
    {
        await using var hub = await ApiHost.StartAsync();
        await ImportAsync(hub, "{\"id\":\"d1\"}");
        var key = hub.Registry.FindDevice("d1")!.Authentication.Keys!.Primary.Reveal();

        foreach (var policy in new[] { AccessPolicies.RegistryRead, AccessPolicies.Service, AccessPolicies.Device })
        {
            var refused = await hub.SendAsync("POST", "/hubbub/devices/import", "{\"id\":\"d2\"}", token: hub.Token(policy));
            Assert.Equal(401, refused.Status);
            Assert.Equal(401, (await hub.SendAsync("GET", "/hubbub/devices/export", token: hub.Token(policy))).Status);
        }
        var withoutKeys = await hub.SendAsync(
            "GET", "/hubbub/devices/export?excludeKeys=true", token: hub.Token(AccessPolicies.RegistryRead));

        Assert.Equal(1, hub.Registry.DeviceCount);
        Assert.Contains("\"d1\"", withoutKeys.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(key, withoutKeys.Body, StringComparison.Ordinal);
        Assert.Contains(key, await ExportAsync(hub, AccessPolicies.RegistryReadWrite), StringComparison.Ordinal);
    }


    private static readonly Gen<IdentityAuthentication> Authentication = Gen.OneOf(
        Gen.Byte.Array[16, 64].Select(bytes => new IdentityAuthentication { Keys = new(KeyOf(bytes), SymmetricKey.Generate()) }),
        Gen.Bool.Select(second => new IdentityAuthentication
        {
            Type = AuthenticationType.SelfSigned,
            PrimaryThumbprint = new string('A', 64),
            SecondaryThumbprint = second ? new string('b', 64) : null,
        }),
        Gen.Const(new IdentityAuthentication { Type = AuthenticationType.CertificateAuthority }),
        Gen.Const(new IdentityAuthentication { Type = AuthenticationType.None }));

    private static readonly Gen<IdentityOperation> Identity = Gen.Select(
        Gen.String[Gen.Char["abAB09-:.+%_#*?!(),=@;$'"], 1, 6], Gen.Int[-2, 4], Authentication, Gen.Int[0, 7], Gen.String[0, 20],
        (id, module, authentication, kind, reason) => module >= 0
            ? new IdentityOperation
            {
                Module = new() { DeviceId = "x" + id, ModuleId = $"m%2F{module}", Authentication = authentication },
            }
            : new IdentityOperation
            {
                Device = new()
                {
                    DeviceId = "x" + id,
                    Status = (DeviceStatus)(kind & 1),
                    StatusReason = new string([.. reason.Where(c => !char.IsSurrogate(c))]),
                    Authentication = authentication,
                    IotEdge = (kind & 2) != 0,
                    DeviceScope = (kind & 4) != 0 ? "ms-azure-iot-edge://p-1" : null,
                },
            });

    /// <summary>Devices and modules of few ids, so that the modules have devices to belong to.</summary>
    private static readonly Gen<List<IdentityOperation>> Registries = Identity.List[1, 60];

    private static SymmetricKey KeyOf(byte[] bytes) =>
        SymmetricKey.TryParse(Convert.ToBase64String(bytes), out var key) ? key : throw new InvalidOperationException();

    private static async Task<Report> ImportAsync(ApiHost hub, string lines)
    {
        var answer = await hub.SendAsync("POST", "/hubbub/devices/import", lines);
        Assert.Equal((200, "application/x-ndjson; charset=utf-8"), (answer.Status, answer.ContentType));
        return new Report(answer.Body);
    }

    private static async Task<string> ExportAsync(ApiHost hub, string policy = AccessPolicies.Owner)
    {
        var answer = await hub.SendAsync("GET", "/hubbub/devices/export", token: hub.Token(policy));
        Assert.Equal(200, answer.Status);
        return answer.Body;
    }

    private sealed class Report(string text)
    {
        private readonly JsonElement[] _entries =
            [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

        public string Text => text;

        public List<string> Errors =>
        [
            .. _entries.Where(e => e.TryGetProperty("error", out _))
                .Select(e => $"line {e.GetProperty("line")}: {e.GetProperty("errorCode")}"),
        ];

        public JsonElement Summary => _entries[^1];

        public int Changed => Summary.GetProperty("changed").GetInt32();

        public int Unchanged => Summary.GetProperty("unchanged").GetInt32();

        public int Failed => Summary.GetProperty("failed").GetInt32();
    }
}
