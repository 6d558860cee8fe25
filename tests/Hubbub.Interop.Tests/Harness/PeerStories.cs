using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>
/// What every plain AMQP 1.0 peer is put through: a device's sender on the telemetry address, a reader on the events
/// entity. A peer is a script that knows these scenarios by name.
/// </summary>
internal sealed class PeerStories(ClientScript peer, HubProcess hub)
{
    /// <summary>Over the limit of one event but within max-message-size: rejected, and the link goes on.</summary>
    private const int TooLarge = 300_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Messages of many sizes, one too large, in frames no larger than this (0: the peer's own).</summary>
    public async Task TransferAsync(int maxFrame, bool tls)
    {
        int[] sizes = maxFrame == 512
            ? [0, 1, 400, 600, 5_000, 60_000, TooLarge, 7]
            : [0, 1, 4_000, 70_000, 200_000, 255 * 1024, TooLarge, 7];
        var (device, request) = await NewRequestAsync("transfer", tls);
        if (maxFrame > 0) request["maxFrame"] = maxFrame;
        request["sizes"] = sizes;
        request["expected"] = sizes.Length - 1;

        var output = await RunAsync(request);

        var refused = output.Of("sent").Single(line => line.Text("outcome") != "accepted");
        Assert.Equal($"{device.Id}-6", refused.Text("id"));
        Assert.Equal("rejected", refused.Text("outcome"));
        Assert.Equal("amqp:link:message-size-exceeded", refused.Text("condition"));
        AssertReceived(output, device, [.. sizes.Index().Where(each => each.Item != TooLarge)]);
    }

    public async Task DrainAsync()
    {
        var (device, request) = await NewRequestAsync("drain");

        var output = await RunAsync(request);

        var drained = output.Of("drained").Select(line => (line.Number("credit"), line.Number("received")));
        Assert.Equal([(0, 0), (0, 3)], drained);
        AssertReceived(output, device, [(0, 100), (1, 100), (2, 100), (3, 100)]);
    }

    public async Task ReattachAsync()
    {
        var (device, request) = await NewRequestAsync("reattach");

        var output = await RunAsync(request);

        AssertReceived(output, device, [(0, 50), (1, 50), (2, 50), (3, 50)]);
    }

    public async Task HeartbeatAsync()
    {
        var (device, request) = await NewRequestAsync("heartbeat");
        request["idleSeconds"] = 2;
        request["silentSeconds"] = 7;

        var output = await RunAsync(request);

        Assert.Equal([$"{device.Id}-0", $"{device.Id}-1"], output.Of("sent").Select(line => line.Text("id")));
        Assert.All(output.Of("sent"), line => Assert.Equal("accepted", line.Text("outcome")));
    }

    public async Task LinksAsync(int links)
    {
        var (device, request) = await NewRequestAsync("links");
        request["links"] = links;

        var output = await RunAsync(request);

        AssertReceived(output, device, [.. Enumerable.Range(0, links).Select(index => (index, 64))], inOrder: false);
    }

    public async Task BatchedAsync()
    {
        int[] sizes = [10, 0, 3_000, 90_000];
        var (device, request) = await NewRequestAsync("batched");
        request["sizes"] = sizes;
        request["expected"] = sizes.Length;

        var output = await RunAsync(request);

        Assert.Equal("accepted", output.One("sent").Text("outcome"));
        AssertReceived(output, device, [.. sizes.Index()]);
    }

    public async Task RefuseAsync()
    {
        var victim = await hub.CreateDeviceAsync($"victim-{Guid.NewGuid():N}", Cancellation);
        var (device, request) = await NewRequestAsync("refuse");
        string[] addresses =
        [
            victim.TelemetryAddress,
            $"/devices/nobody-{Guid.NewGuid():N}/messages/events",
            $"/devices/{victim.Id}%2F..%2F{device.Id}/messages/events",
            $"/devices/{device.Id.ToUpperInvariant()}/messages/events",
        ];
        request["addresses"] = addresses;

        var output = await RunAsync(request);

        Assert.Equal(addresses, output.Of("refused").Select(line => line.Text("address")));
        // Nothing tells a device that does not exist from one that is not its own; an encoded slash makes no way to
        // another's address: decoded that is no id, so it is read as written, and nobody has that id.
        Assert.All(output.Of("refused"), line => Assert.Equal("amqp:unauthorized-access", line.Text("condition")));
        Assert.Equal("accepted", output.One("sent").Text("outcome"));
    }

    /// <summary>The same bytes as the scripts' body(index, size), as a SHA-256 in hexadecimal.</summary>
    private static string BodyHash(int index, int size)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{index}:"));
        while (text.Length < size) text.Append("abcdefghijklmnopqrstuvwxyz");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text.ToString(0, size))));
    }

    private static void AssertReceived(
        ClientOutput output, TestDevice device, (int Index, int Size)[] expected, bool inOrder = true)
    {
        var received = output.Of("received");
        var wanted = expected
            .Select(each => (Id: $"{device.Id}-{each.Index}", BodyHash(each.Index, each.Size)))
            .ToList();
        var got = received.Select(line => (Id: line.Text("id")!, line.Text("sha256")!)).ToList();
        if (!inOrder)
        {
            wanted.Sort();
            got.Sort();
        }
        Assert.Equal(wanted, got);
        Assert.All(received, line => Assert.Equal(device.Id, line.Text("deviceId")));
        Assert.All(received, line => Assert.Equal(line.Text("id"), line.Of("properties", "id")));
        var sequences = received.Select(line => line.Number("sequence")).ToArray();
        Assert.Equal(sequences.Index().Select(each => sequences[0] + each.Index), sequences);
    }

    private async Task<ClientOutput> RunAsync(Dictionary<string, object> request)
    {
        var output = await ClientProcess.RunAsync(peer, hub, request);
        output.WithoutErrors().One("done");
        return output;
    }

    /// <summary>A new device and a request that reads its partition from where it ends now.</summary>
    private async Task<(TestDevice Device, Dictionary<string, object> Request)> NewRequestAsync(
        string scenario, bool tls = false)
    {
        peer.SkipUnlessInstalled();
        var device = await hub.CreateDeviceAsync($"peer-{scenario}-{Guid.NewGuid():N}", Cancellation);
        await using var service = await NetLitePeer.OpenServiceAsync(hub);
        var port = tls ? hub.Up.Ports.Amqps : hub.Up.Ports.Amqp;
        var request = new Dictionary<string, object>
        {
            ["scenario"] = scenario,
            ["url"] = $"{(tls ? "amqps" : "amqp")}://{hub.Host}:{port}",
            ["host"] = hub.Host,
            ["port"] = port,
            ["tls"] = tls,
            ["hub"] = hub.Host,
            ["device"] = new { id = device.Id, key = device.Key, resource = device.Resource },
            ["policy"] = new { name = "service", key = hub.Up.PolicyKey("service"), resource = hub.Host },
            ["events"] = hub.Up.Entity,
            ["partition"] = device.Partition,
            ["prefix"] = device.Id,
            ["afterSequence"] = await service.LastSequenceAsync(hub, device.Partition),
        };
        if (tls) request["ca"] = hub.Up.CaCertificate;
        return (device, request);
    }
}
