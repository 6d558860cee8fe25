using System.Text.Json;
using System.Text.Json.Nodes;
using Hubbub.Client;

namespace Hubbub.Cli.Bench;

/// <summary>Devices that exist as long as a benchmark does.</summary>
internal sealed class BenchFleet : IAsyncDisposable
{
    /// <summary>What one bulk request may hold.</summary>
    private const int BulkMax = 100;

    private readonly HubAddress _hub;
    private readonly HubRest _rest;
    private readonly List<DeviceClient> _devices = [];
    private readonly List<string> _ids = [];

    private BenchFleet(HubAddress hub) => (_hub, _rest) = (hub, new HubRest(hub));

    public IReadOnlyList<DeviceClient> Devices => _devices;

    /// <summary>Registers and connects devices with ids that nobody else has.</summary>
    public static async Task<BenchFleet> CreateAsync(
        HubAddress hub, BenchPlan plan, CancellationToken cancellationToken)
    {
        var fleet = new BenchFleet(hub);
        try
        {
            var run = Guid.NewGuid().ToString("N")[..8];
            fleet._ids.AddRange(Enumerable.Range(1, plan.Devices).Select(number => $"bench-{run}-{number}"));
            await fleet.ChangeAsync("create", cancellationToken);
            foreach (var id in fleet._ids)
            {
                fleet._devices.Add(await DeviceClients.ConnectAsync(
                    hub, IdentityName.Parse(id), new DeviceClientOptions { SendWindow = plan.Window },
                    $"device '{id}' was not connected", cancellationToken));
            }
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var device in _devices)
            await device.DisposeAsync();
        // Also after an interruption: the ids must not stay.
        await ChangeAsync("delete", CancellationToken.None);
        _rest.Dispose();
    }

    private async Task ChangeAsync(string importMode, CancellationToken cancellationToken)
    {
        foreach (var ids in _ids.Chunk(BulkMax))
        {
            var body = new JsonArray([.. ids.Select(id => new JsonObject
            {
                ["id"] = id,
                ["importMode"] = importMode,
                ["status"] = "enabled",
                ["authentication"] = new JsonObject { ["type"] = "sas", ["symmetricKey"] = new JsonObject() },
            })]);
            var what = $"the devices of the benchmark were not {importMode}d on {_hub.HostName}";
            var answer = await _rest.SendAsync(
                HttpMethod.Post, "/devices", body.ToJsonString(), null, what, cancellationToken);
            if (answer is { } result && result.TryGetProperty("isSuccessful", out var successful)
                && successful.ValueKind == JsonValueKind.False && importMode == "create")
                throw new CommandFailedException($"{what}: {result.GetRawText()}");
        }
    }
}
