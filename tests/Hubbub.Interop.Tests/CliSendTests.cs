using System.Diagnostics;
using System.Globalization;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary><c>hubbub send</c> that is ended before it is done: by the hub, or by its user.</summary>
public sealed class CliSendTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private HubProcess Hub => own.Hub;

    [Fact]
    public async Task Send_Slowly_EndsWhenTheDeviceIsDeleted()
    {
        var device = await Hub.CreateDeviceAsync("send-deleted", Cancellation);
        using var sender = Start("send", device.Id, "--rate", "10", "--count", "100000");
        await SeeOneAsync(device);

        (await Cli.RunAsync(Hub, "device", "delete", device.Id)).Done();
        await sender.WaitForExitAsync(Cancellation).WaitAsync(Limit, Cancellation);

        var error = await sender.StandardError.ReadToEndAsync(Cancellation);
        Assert.Equal(1, sender.ExitCode);
        Assert.Matches(@"^hubbub: [1-9]\d* of 100000 messages of device 'send-deleted' were accepted", error);
    }

    [Fact]
    public async Task Send_Interrupted_TellsHowManyWereSent_AndFails()
    {
        var device = await Hub.CreateDeviceAsync("send-stopped", Cancellation);
        using var sender = Start("send", device.Id, "--rate", "10", "--count", "100000");
        await SeeOneAsync(device);

        await InterruptAsync(sender);

        var report = await sender.StandardOutput.ReadToEndAsync(Cancellation);
        var accepted = int.Parse(report.Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.Equal(1, sender.ExitCode);
        Assert.InRange(accepted, 1, 99_999);
        Assert.Equal(
            $"hubbub: interrupted: {accepted} of 100000 messages of device 'send-stopped' were sent.\n",
            await sender.StandardError.ReadToEndAsync(Cancellation));
    }

    [Fact]
    public async Task Send_ThatWaitsForItsInput_CanBeInterrupted()
    {
        var device = await Hub.CreateDeviceAsync("send-waits", Cancellation);
        using var sender = Start("send", device.Id, "-");
        var time = TimeProvider.System;
        // The handler of SIGINT (2) is there; whether it already reads is all the same.
        while (!CatchesInterrupt(sender))
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, Cancellation);

        await InterruptAsync(sender);

        Assert.NotEqual(0, sender.ExitCode);
    }

    private static bool CatchesInterrupt(Process process)
    {
        var line = File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
        return (Convert.ToUInt64(line[7..].Trim(), 16) & 0b10) != 0;
    }

    /// <summary>Waits for an event of the device.</summary>
    private async Task SeeOneAsync(TestDevice device) => (await Cli.RunAsync(
        Hub, "tail", "--partition", device.Partition, "--from", "start", "--count", "1")).Done();

    private static async Task InterruptAsync(Process process)
    {
        using (var kill = Process.Start("kill", ["-INT", $"{process.Id}"]))
            await kill.WaitForExitAsync(Cancellation);
        try
        {
            await process.WaitForExitAsync(Cancellation).WaitAsync(Limit, Cancellation);
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw;
        }
    }

    private Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Workspace.Hubbub, [.. arguments, "--data", Hub.Data])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("HUBBUB_CONNECTION_STRING");
        return Process.Start(start)!;
    }
}
