using System.Diagnostics;
using System.Text.Json;
using Amqp;
using Amqp.Framing;
using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>Commands by the command line: c2d sends, listen is the device, feedback is another service.</summary>
public sealed class CliCommandTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private HubProcess Hub => own.Hub;

    [Fact]
    public async Task C2d_Waiting_TellsEachStepWithItsTime_AndTheDeviceGetsAllThatWasGiven()
    {
        await Hub.CreateDeviceAsync("c2d-life", Cancellation);

        var listening = RunAsync("listen", "c2d-life", "--count", "1", "--json");
        var sent = await RunAsync(
            "c2d", "c2d-life", """{"go":true}""", "-p", "unit=C", "--content-type", "application/json",
            "--message-id", "life-1", "--expires", "1h", "--wait", "--json");
        var command = Assert.Single((await listening).Json);

        Assert.Equal(["enqueued", "delivered", "outcome"], sent.Json.Select(line => line.Text("step")));
        Assert.All(sent.Json, line => Assert.Equal("life-1", line.Text("messageId")));
        Assert.Equal("Success", sent.Json[^1].Text("outcome"));
        var times = sent.Json.Select(line => line.GetProperty("milliseconds").GetDouble()).ToArray();
        Assert.Equal(times.Order(), times);
        Assert.Equal("life-1", command.Text("messageId"));
        Assert.Equal("application/json", command.Text("contentType"));
        Assert.Equal("C", command.Of("properties", "unit"));
        Assert.Equal("true", command.Of("body", "go"), ignoreCase: true);
        Assert.Equal(0, command.Number("deliveryCount"));
        var left = command.GetProperty("expiresAt").GetDateTimeOffset()
            - command.GetProperty("enqueuedTime").GetDateTimeOffset();
        Assert.InRange(left.TotalMinutes, 59, 61);
    }

    [Fact]
    public async Task C2d_WaitingForWhatIsRejected_SaysSoAndFails()
    {
        await Hub.CreateDeviceAsync("c2d-reject", Cancellation);

        var listening = RunAsync("listen", "c2d-reject", "--reject", "--count", "1");
        var sent = await RunAsync("c2d", "c2d-reject", "no", "--message-id", "reject-1", "--wait");

        (await listening).Done();
        Assert.Equal(1, sent.ExitCode);
        Assert.StartsWith("enqueued reject-1 after ", sent.Lines[0], StringComparison.Ordinal);
        Assert.StartsWith("outcome Rejected (rejected) after ", sent.Lines[^1], StringComparison.Ordinal);
        Assert.Contains("reject-1", sent.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', sent.Error);
    }

    [Fact]
    public async Task C2d_WaitingForWhatExpires_TellsItsExpiry()
    {
        await Hub.CreateDeviceAsync("c2d-expire", Cancellation);

        var sent = await RunAsync("c2d", "c2d-expire", "late", "--expires", "300ms", "--wait");

        Assert.Equal(1, sent.ExitCode);
        Assert.StartsWith("outcome Expired (expired) after ", sent.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listen_Abandoning_GetsTheCommandAgainWithItsCount_AndCompletingEndsIt()
    {
        await Hub.CreateDeviceAsync("c2d-again", Cancellation);
        (await RunAsync("c2d", "c2d-again", "once more")).Done();

        var abandoned = (await RunAsync("listen", "c2d-again", "--abandon", "--count", "2", "--json")).Json;
        var completed = (await RunAsync("listen", "c2d-again", "--complete", "--count", "1", "--json")).Json;

        Assert.Equal([0L, 1L, 2L], abandoned.Concat(completed).Select(line => line.Number("deliveryCount")));
        Assert.All(abandoned, line => Assert.Equal("once more", line.Text("body")));
    }

    [Fact]
    public async Task Feedback_ShowsTheOutcomesAskedFor_AndAWaitStealsNone()
    {
        await Hub.CreateDeviceAsync("c2d-feedback", Cancellation);
        (await RunAsync("c2d", "c2d-feedback", "a", "--message-id", "f-1", "--ack", "full")).Done();
        (await RunAsync("c2d", "c2d-feedback", "b", "--message-id", "f-2", "--ack", "negative")).Done();
        (await RunAsync("listen", "c2d-feedback", "--count", "2")).Done();
        var listening = RunAsync("listen", "c2d-feedback", "--count", "1");
        (await RunAsync("c2d", "c2d-feedback", "c", "--message-id", "f-3", "--ack", "positive", "--wait")).Done();
        (await listening).Done();

        var records = (await RunAsync("feedback", "--count", "2", "--json")).Json;

        // Completed, so f-2 has nothing to tell.
        Assert.Equal(["f-1", "f-3"], records.Select(line => line.Text("originalMessageId")));
        Assert.All(records, line => Assert.Equal("Success", line.Text("statusCode")));
        Assert.All(records, line => Assert.Equal("c2d-feedback", line.Text("deviceId")));
    }

    [Fact]
    public async Task C2d_WhenTheWatchIsRefused_WaitsForFeedbackAndSaysSo()
    {
        await Hub.CreateDeviceAsync("c2d-watched", Cancellation);
        // As many watch the device as may; a hub of Azure's refuses the first.
        await using var service = await NetLitePeer.OpenServiceAsync(Hub);
        for (var i = 0; i < 100; i++)
        {
            var attached = new TaskCompletionSource();
            _ = new ReceiverLink(
                service.Session,
                $"watch-{i}",
                new Source { Address = "/devices/c2d-watched/commands" },
                (_, _) => attached.TrySetResult());
            await attached.Task.WaitAsync(Cancellation);
        }

        var listening = RunAsync("listen", "c2d-watched", "--count", "1");
        var sent = await RunAsync("c2d", "c2d-watched", "x", "--message-id", "watched-1", "--wait", "--json");

        (await listening).Done();
        Assert.Equal(["enqueued", "outcome"], sent.Json.Select(line => line.Text("step")));
        Assert.Equal("Success", sent.Json[^1].Text("outcome"));
        Assert.Contains("waiting for feedback instead", sent.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', sent.Error);
    }

    [Fact]
    public async Task Listen_Interrupted_EndsInPeace_AndWhatItDidNotSettleWaits()
    {
        await Hub.CreateDeviceAsync("c2d-stop", Cancellation);
        var start = new ProcessStartInfo(Workspace.Hubbub, ["listen", "c2d-stop", "--json", "--data", Hub.Data])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var listener = Process.Start(start)!;
        (await RunAsync("c2d", "c2d-stop", "first", "--wait")).Done();
        var line = await listener.StandardOutput.ReadLineAsync(Cancellation);

        using (var kill = Process.Start("kill", ["-INT", $"{listener.Id}"]))
            await kill.WaitForExitAsync(Cancellation);
        await listener.WaitForExitAsync(Cancellation);

        Assert.Equal("first", JsonSerializer.Deserialize<JsonElement>(line!).Text("body"));
        Assert.Equal(0, listener.ExitCode);
        Assert.Equal("", await listener.StandardError.ReadToEndAsync(Cancellation));
    }

    [Fact]
    public async Task Verbs_ThatAreRefused_SayWhatAndWhyInOneLine()
    {
        await Hub.CreateDeviceAsync("c2d-full", Cancellation);

        (await RunAsync("c2d", "c2d-nobody", "x")).Refused("c2d-nobody");
        (await RunAsync("c2d", "c2d-nobody", "x", "--wait")).Refused("c2d-nobody");
        (await RunAsync("listen", "c2d-nobody")).Refused("c2d-nobody");
        (await RunAsync("c2d", "c2d-full", new string('x', 70_000))).Refused("c2d-full", "size");
        Assert.Equal(2, (await RunAsync("c2d", "c2d-full", "x", "--ack", "maybe")).ExitCode);
        Assert.Equal(2, (await RunAsync("c2d", "c2d-full", "x", "--expires", "soon")).ExitCode);
        Assert.Equal(2, (await RunAsync("c2d", "c2d-full", "x", "-p", "novalue")).ExitCode);
        Assert.Equal(2, (await RunAsync("c2d", "c2d-full")).ExitCode);
        Assert.Equal(2, (await RunAsync("listen", "c2d-full", "--complete", "--abandon")).ExitCode);
        Assert.Equal(2, (await RunAsync("feedback", "--count", "0")).ExitCode);
    }

    private Task<CliResult> RunAsync(params string[] arguments) => Cli.RunAsync(Hub, arguments);
}
