using System.Text;
using Hubbub.Core.Commands;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Server.Tests.Http;

/// <summary>Sending a command by HTTPS, and purging those of a device or module.</summary>
public sealed class CommandApiTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Purge_OfADevice_EndsItsCommandsAndSaysHowMany()
    {
        await using var host = await StartAsync();
        await SendAsync(host, new CommandTarget("d%1#"));
        await SendAsync(host, new CommandTarget("d%1#"));
        await SendAsync(host, new CommandTarget("d%1#", "m1"));

        var answer = await host.SendAsync("DELETE", "/devices/d%251%23/commands");

        Assert.Equal(200, answer.Status);
        Assert.Equal("""{"totalMessagesPurged":2,"deviceId":"d%1#","moduleId":null}""", answer.Body);
        Assert.Equal(2, host.Commands.Counters.Ended(CommandOutcome.Purged));
        answer = await host.SendAsync("DELETE", "/devices/d%251%23/modules/m1/commands/");
        Assert.Equal("""{"totalMessagesPurged":1,"deviceId":"d%1#","moduleId":"m1"}""", answer.Body);
        answer = await host.SendAsync("DELETE", "/devices/d%251%23/commands");
        Assert.Equal(0, answer.Json.GetProperty("totalMessagesPurged").GetInt32());
    }

    [Theory]
    [InlineData("/devices/ghost/commands", 404, "DeviceNotFound")]
    [InlineData("/devices/d%251%23/modules/ghost/commands", 404, "ModuleNotFound")]
    public async Task Purge_OfNobody_IsRefused(string path, int status, string code)
    {
        await using var host = await StartAsync();

        var answer = await host.SendAsync("DELETE", path);

        Assert.Equal(status, answer.Status);
        Assert.Equal(code, answer.ErrorCode);
    }

    [Fact]
    public async Task Purge_WithoutTheRight_IsRefused()
    {
        await using var host = await StartAsync();
        var path = "/devices/d%251%23/commands";

        Assert.Equal(401, (await host.SendAsync("DELETE", path, token: host.Token("registryReadWrite"))).Status);
        Assert.Equal(401, (await host.SendAsync("DELETE", path, token: host.Token(AccessPolicies.Device))).Status);
        Assert.Equal(200, (await host.SendAsync("DELETE", path, token: host.Token(AccessPolicies.Service))).Status);
        Assert.Equal(405, (await host.SendAsync("GET", path)).Status);
    }

    [Fact]
    public async Task Command_OfTheGreatestSize_IsTaken_AndAByteMoreIs413001()
    {
        await using var host = await StartAsync();
        const string Path = "/devices/d%251%23/messages/deviceBound";

        Assert.Equal(204, (await host.SendAsync("POST", Path, new string('x', 65_536))).Status);

        var tooLarge = await host.SendAsync("POST", Path, new string('x', 65_537));
        Assert.Equal((413, "MessageTooLarge"), (tooLarge.Status, tooLarge.ErrorCode));
        Assert.Equal(1, host.Commands.CountOf(new CommandTarget("d%1#")));
    }

    private static async Task<ApiHost> StartAsync()
    {
        var host = await ApiHost.StartAsync();
        Assert.True((await host.Registry.CreateDeviceAsync(new DeviceDescription { DeviceId = "d%1#" }, Cancellation)).IsOk);
        var module = new ModuleDescription { DeviceId = "d%1#", ModuleId = "m1" };
        Assert.True((await host.Registry.CreateModuleAsync(module, Cancellation)).IsOk);
        return host;
    }

    private static async Task SendAsync(ApiHost host, CommandTarget target) => Assert.Null(await host.Commands.SendAsync(
        new NewCommand { Target = target, SizeBytes = 4, Payload = Encoding.UTF8.GetBytes("body") }, Cancellation));
}
