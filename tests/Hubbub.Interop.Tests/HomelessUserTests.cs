using System.Diagnostics;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>Services and containers run as users of whom the machine knows a number and nothing else.</summary>
public sealed class HomelessUserTests
{
    private const string UnknownUser = "61184";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Hub_OfAUserWithoutAHome_Starts()
    {
        var data = Directory.CreateTempSubdirectory("hubbub-homeless-").FullName;
        // Where this user may not be another one, at least the variable is gone.
        string[] asUnknown = ["unshare", "--user", $"--map-user={UnknownUser}"];
        using (var probe = Start([.. asUnknown, "true"]))
        {
            await probe.WaitForExitAsync(Cancellation);
            if (probe.ExitCode != 0)
                asUnknown = [];
        }
        var ports = Workspace.FreePorts(2);
        using var hub = Start(
            [
                .. asUnknown, Workspace.Hubbub, "up", "--json", "--data", Path.Combine(data, "hub"),
                "--amqps-port", $"{ports[0]}", "--https-port", $"{ports[1]}", "--amqp-port", "0",
            ]);
        var error = hub.StandardError.ReadToEndAsync(Cancellation);
        try
        {
            var line = await hub.StandardOutput.ReadLineAsync(Cancellation).AsTask().WaitAsync(Limit, Cancellation);

            Assert.True(line is not null, $"it ended: {await error}");
            Assert.Equal("localhost", HubUp.Parse(line).HostName);
        }
        finally
        {
            hub.Kill(entireProcessTree: true);
            await hub.WaitForExitAsync(Cancellation);
            Directory.Delete(data, recursive: true);
        }
    }

    private static Process Start(string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("HOME");
        return Process.Start(start)!;
    }
}
