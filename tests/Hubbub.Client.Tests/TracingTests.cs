using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Hubbub.Client.Tests;

/// <summary>A trace runs from the device to the reader, and numbers tell what was sent.</summary>
public sealed class TracingTests
{
    [Fact]
    public async Task Trace_RunsFromTheDeviceToTheReader_AndFromTheServiceToTheDevice()
    {
        using var listener = Listen();
        await using var hub = await RealHub.StartAsync();
        await using var device = DeviceClient.CreateFromConnectionString(await hub.CreateDeviceAsync("d"));
        await using var service = ServiceClient.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        await using var reader = EventReader.CreateFromConnectionString(hub.ConnectionStringOf("service"));
        using var root = new Activity("test").Start();
        root.TraceStateString = "vendor=1";

        await device.SendAsync(new TelemetryMessage("x") { Properties = { ["a"] = "b" } }, Some.Patience);
        await device.SendBatchAsync([new TelemetryMessage("y")], Some.Patience);
        await service.SendAsync("d", new CommandMessage("go"), Some.Patience);

        var traces = new List<(ActivityTraceId Trace, string? State, ActivityKind Kind)>();
        await foreach (var received in reader.ReadAsync(EventPosition.Start, Some.Patience))
        {
            using var activity = received.StartActivity();
            Assert.NotNull(activity);
            Assert.True(activity.HasRemoteParent);
            traces.Add((activity.TraceId, activity.TraceStateString, activity.Kind));
            if (traces.Count == 2)
                break;
        }
        await foreach (var command in device.ReceiveCommandsAsync(Some.Patience))
        {
            using var activity = command.StartActivity();
            Assert.NotNull(activity);
            traces.Add((activity.TraceId, activity.TraceStateString, activity.Kind));
            break;
        }
        Assert.All(traces, trace => Assert.Equal((root.TraceId, "vendor=1", ActivityKind.Consumer), trace));
    }

    [Fact]
    public async Task Trace_ThatTheCallerHasSet_Stays()
    {
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub);
        using var root = new Activity("test").Start();
        var own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

        await device.SendAsync(new TelemetryMessage("x") { Properties = { ["traceparent"] = own } }, Some.Patience);

        var properties = Some.Read(Assert.Single(hub.Last.Messages).Payload).ApplicationProperties!.Value;
        Assert.True(properties.TryGet("traceparent", out var sent) && sent.TextEquals(own));
    }

    [Fact]
    public async Task Message_WithoutATrace_CarriesNone()
    {
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub);
        Activity.Current = null;

        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);

        Assert.Null(Some.Read(Assert.Single(hub.Last.Messages).Payload).ApplicationProperties);
    }

    [Fact]
    public async Task Meter_CountsWhatWasSentAndWhatFailed()
    {
        var counts = new ConcurrentBag<(long Count, string? Error)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "messaging.client.sent.messages")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            string? error = null;
            foreach (var tag in tags)
                error = tag.Key == "error.type" ? (string?)tag.Value : error;
            counts.Add((value, error));
        });
        listener.Start();
        var hub = new FakeHub();
        await using var device = Some.DeviceOf(hub);

        await device.SendAsync(new TelemetryMessage("x"), Some.Patience);
        hub.OnMessage = _ => new Amqp.Performatives.Rejected { Error = Some.Error("test:no") };
        await Assert.ThrowsAsync<HubbubException>(
            () => device.SendAsync(new TelemetryMessage("x"), Some.Patience).AsTask());

        // Other tests send at the same time.
        Assert.Contains((1, null), counts);
        Assert.Contains((1, "test:no"), counts);
    }

    private static ActivityListener Listen()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == HubbubDiagnostics.ActivitySourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) =>
                ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
