using Hubbub.Core.Security;
using Hubbub.Server.Amqp;
using Hubbub.Server.Messages;
using Hubbub.Server.Tests.Amqp.Harness;
using Hubbub.Server.Tests.Http;

namespace Hubbub.Server.Tests.Security;

/// <summary>
/// A hundred devices, whose ids look alike, against each other's addresses in every kind and spelling: exhaustively as
/// a question to the authorisation, and in samples over connections and requests. Only their own open.
/// </summary>
public sealed class ReachTests
{
    private static readonly string[] s_ids = [.. Ids().Take(100)];

    private static readonly string[] s_tails =
    [
        "messages/events", "messages/devicebound", "methods/devicebound", "twin", "commands", "modules/m/messages/events",
        "modules/m/messages/devicebound", "modules/m/methods/devicebound", "modules/m/twin",
    ];

    private static readonly string[] s_hubAddresses =
    [
        "/messages/devicebound", "/messages/serviceBound/feedback", "/messages/serviceBound/filenotifications",
    ];

    [Fact]
    public async Task EveryDevice_AtEveryAddress_ReachesItsOwnOnly()
    {
        await using var hub = await TestHub.StartAsync(partitions: 1);
        foreach (var id in s_ids)
            await hub.CreateDeviceAsync(id);
        var claims = s_ids.ToDictionary(id => id, id => Claim(hub, hub.DeviceToken(id)));
        var questions = 0;
        foreach (var (owner, claim) in claims)
        {
            foreach (var other in s_ids)
            {
                foreach (var tail in s_tails)
                {
                    foreach (var text in Spellings(other, tail))
                    {
                        var address = LinkAddress.Parse(text, hub.Core.Hub).WithRegisteredId(hub.Core.Registry);
                        var isOwn = owner == other && !tail.StartsWith("modules", StringComparison.Ordinal) && tail != "commands";
                        Assert.True(isOwn == LinkAdmission.IsPermitted(claim, address), $"'{owner}' at '{text}'");
                        questions++;
                    }
                    foreach (var right in (AccessRights[])[AccessRights.RegistryRead, AccessRights.ServiceConnect])
                        Assert.False(claim.AllowsService(right, $"devices/{other}/{tail}"));
                }
            }
            foreach (var text in s_hubAddresses)
                Assert.False(LinkAdmission.IsPermitted(claim, LinkAddress.Parse(text, hub.Core.Hub)), $"'{owner}' at '{text}'");
            Assert.False(claim.AllowsEntity(hub.Entity, "ConsumerGroups/$Default/Partitions/0"));
        }
        Assert.True(questions >= 100 * 100 * s_tails.Length);
    }

    [Fact]
    public async Task Sample_OverConnections_ReachesItsOwnOnly()
    {
        await using var hub = await TestHub.StartAsync(partitions: 1);
        foreach (var id in s_ids)
            await hub.CreateDeviceAsync(id);
        var random = new Random(4);
        foreach (var id in s_ids)
        {
            var session = await hub.ConnectBareAsync();
            var cbs = await session.CbsAsync();
            Assert.Equal(200, (await cbs.PutAsync(hub.DeviceToken(id))).Status);
            Assert.Null((await session.SenderAsync($"/devices/{Uri.EscapeDataString(id)}/messages/events")).Refusal);
            for (var i = 0; i < 5; i++)
            {
                var other = s_ids.Where(each => each != id).ElementAt(random.Next(s_ids.Length - 1));
                var address = Spellings(other, s_tails[random.Next(s_tails.Length)]).First();
                Assert.NotNull((await session.SenderAsync(address)).Refusal);
                Assert.NotNull((await session.ReceiverAsync(address)).Refusal);
            }
        }
    }

    [Fact]
    public async Task Sample_OverHttps_ReachesItsOwnOnly()
    {
        await using var host = await ApiHost.StartAsync();
        foreach (var id in s_ids)
            await host.Registry.CreateDeviceAsync(new() { DeviceId = id }, TestContext.Current.CancellationToken);
        var random = new Random(5);
        foreach (var id in s_ids)
        {
            var own = Uri.EscapeDataString(id);
            var token = host.Token(host.Registry.FindDevice(id)!.Authentication.Keys!.Primary, $"{ApiHost.HostName}/devices/{own}");
            var other = Uri.EscapeDataString(s_ids.Where(each => each != id).ElementAt(random.Next(s_ids.Length - 1)));
            foreach (var (method, path) in ((string, string)[])
                [
                    ("GET", $"/devices/{other}"), ("GET", $"/devices/{own}"), ("GET", "/devices"), ("GET", $"/devices/{own}/modules"),
                    ("POST", $"/devices/{other}/messages/events"), ("GET", $"/devices/{other}/messages/deviceBound"),
                    ("DELETE", $"/devices/{other}/messages/deviceBound/11111111-1111-1111-1111-111111111111"),
                    ("DELETE", $"/devices/{other}/commands"), ("GET", "/hubbub/policies"), ("GET", "/hubbub/certificates"),
                    ("GET", "/hubbub/consumer-groups"), ("GET", "/statistics/devices"), ("DELETE", $"/devices/{own}"),
                ])
            {
                var answer = await host.SendAsync(method, path, ifMatch: "*", token: token);
                Assert.True(answer.Status is 401 or 501, $"'{id}': {method} {path}: {answer.Status}");
            }
        }
    }

    private static Claim Claim(TestHub hub, string token) => hub.Core.Authenticator.Verify(token).Value;

    private static IEnumerable<string> Spellings(string id, string tail)
    {
        yield return $"/devices/{Uri.EscapeDataString(id)}/{tail}";
        var loud = tail.ToUpperInvariant().Replace("MODULES/M/", "MODULES/m/", StringComparison.Ordinal);
        yield return $"amqps://{TestHub.Host}/DEVICES/{Uri.EscapeDataString(id)}/{loud}/";
    }

    /// <summary>Ids that begin alike, differ in case only, or look like an escape, a path or a wildcard.</summary>
    private static IEnumerable<string> Ids()
    {
        string[] odd =
        [
            "d", "D", "d1", "D1", "d10", "d1.", "d1-", "d1_", "d%31", "d%2531", "d%2F1", "d%252F1", "*", "d*", "?", "d?", "#", "d#1",
            "..d", "d..", "d1%00", "d1;x", "d1,d2", "d=1", "d+1", "d%201", "a:b", "$d", "'d'", "(d)", "modules", "devices", "messages",
            "events", "twin", "$cbs", "$management", "d@sas", "d!1",
        ];
        return odd.Concat(Enumerable.Range(0, 100).Select(i => $"d{i + 100}"));
    }
}
