using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Commands;
using Hubbub.Core.Events;
using Hubbub.Core.Identities;
using Hubbub.Server.Messages;
using Hubbub.Server.Routing;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>
/// A device's own operations: sending events and fetching commands. They are what the device's links are over AMQP, and
/// go through the same doors.
/// </summary>
internal sealed class DeviceMessagesApi(ApiServices services)
{
    private const string Events = "messages/events";
    private const string Commands = "messages/devicebound";
    private const string BatchType = "application/vnd.microsoft.iothub.json";

    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", "/devices/{deviceId}/messages/events", "Sends an event, or several.", SendAsync)
        {
            Takes = ApiRoute.Bytes,
            Parameters = ["message"],
        },
        new("GET", "/devices/{deviceId}/messages/deviceBound", "Locks the next command and gives it.", ReceiveAsync)
        {
            Gives = ApiRoute.Bytes,
            Parameters = ["IotHub-MessageLockTimeout"],
            Also = [(204, "")],
        },
        new("DELETE", "/devices/{deviceId}/messages/deviceBound/{lockToken}", "Completes or rejects a command.",
            request => SettleAsync(
                request,
                request.Target.Query("reject") is null ? CommandDisposition.Complete : CommandDisposition.Reject))
        {
            Parameters = ["reject"],
        },
        new("POST", "/devices/{deviceId}/messages/deviceBound/{lockToken}/abandon", "Gives a command back.",
            request => SettleAsync(request, CommandDisposition.Abandon)),
    ];

    private async Task<HubError?> SendAsync(ApiRequest request)
    {
        var device = Admit(request, Events);
        if (!device.IsOk)
            return device.Error;
        var read = await request.ReadBytesAsync();
        if (!read.IsOk)
            return read.Error;
        var body = read.Value;
        var isBatch = request.Context.Request.ContentType?.StartsWith(BatchType, StringComparison.OrdinalIgnoreCase)
            == true;
        var message = isBatch ? ReadBatch(request, body) : ReadMessage(request, body);
        if (!message.IsOk)
            return message.Error;

        var send = new RoutedSend(services.Router, request.DeviceId);
        var (pairs, count) = HubAnnotations.Stamp(
            request.DeviceId, null, device.Value.GenerationId, request.Claim.AuthMethod, modelId: null);
        var sender = new TelemetrySender(
            services.Time, request.DeviceId, null, device.Value.GenerationId, request.Claim.AuthMethod, modelId: null);
        send.Routes.Describe(sender, pairs, count);
        // Many clients must not pile up what the disk cannot take.
        await send.Routes.WhenNotSaturatedAsync(request.Aborted);
        var format = isBatch ? MessageFormats.Batch : MessageFormats.Amqp;
        if (!TelemetryIngest.Append(send.Routes, format, message.Value, out var events, out var problem))
        {
            services.Metrics.EventsRejected(1);
            return ErrorOf(problem);
        }
        services.Metrics.EventsReceived(events, message.Value.Length);
        services.Presence.Touch(request.DeviceId, null);
        if (await send.WhenStored().WaitAsync(request.Aborted) is { } notStored)
            return notStored;
        request.NoContent();
        return null;
    }

    private async Task<HubError?> ReceiveAsync(ApiRequest request)
    {
        if (Admit(request, Commands).Error is { } refusal)
            return refusal;
        var lockDuration = LockDurationOf(request);
        if (!lockDuration.IsOk)
            return lockDuration.Error;
        services.Presence.Touch(request.DeviceId, null);
        var command = await services.CommandDelivery.PullAsync(
            new CommandTarget(request.DeviceId), lockDuration.Value, request.Aborted);
        if (!command.IsOk)
            return command.Error;
        if (command.Value is { } locked)
            await HttpCommand.WriteAsync(request.Context, locked);
        else
            request.NoContent();
        return null;
    }

    private async Task<HubError?> SettleAsync(ApiRequest request, CommandDisposition disposition)
    {
        if (Admit(request, Commands).Error is { } refusal)
            return refusal;
        services.Presence.Touch(request.DeviceId, null);
        var target = new CommandTarget(request.DeviceId);
        var error = Guid.TryParse(request["lockToken"], out var lockToken)
            ? await services.CommandDelivery.SettleAsync(target, lockToken, disposition, request.Aborted)
            : new HubError(HubErrorCode.DeviceMessageLockLost, $"There is no such lock of a command of {target}.");
        if (error is null)
            request.NoContent();
        return error;
    }

    private static HubResult<TimeSpan?> LockDurationOf(ApiRequest request)
    {
        if (request.Header("IotHub-MessageLockTimeout") is not { } header)
            return (TimeSpan?)null;
        return int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds is >= 5 and <= 300
                ? TimeSpan.FromSeconds(seconds)
                : new HubError(
                    HubErrorCode.ArgumentInvalid, "The header IotHub-MessageLockTimeout must be 5 to 300 seconds.");
    }

    private static HubResult<byte[]> ReadMessage(ApiRequest request, ReadOnlyMemory<byte> body)
    {
        var message = new HttpMessage();
        foreach (var (name, value) in request.Context.Request.Headers)
        {
            if (message.Set(name, value.ToString()) is { } invalid)
                return invalid;
        }
        return message.ToAmqp(body);
    }

    private static HubResult<byte[]> ReadBatch(ApiRequest request, ReadOnlyMemory<byte> body)
    {
        DeviceMessageBody?[]? items;
        try
        {
            items = JsonSerializer.Deserialize(body.Span, ApiJson.Default.DeviceMessageBodyArray);
        }
        catch (JsonException)
        {
            items = null;
        }
        if (items is not { Length: > 0 })
            return Invalid($"The body of type {BatchType} must be an array of at least one message.");
        using var envelope = new ByteBuffer();
        var writer = new AmqpWriter(envelope);
        for (var i = 0; i < items.Length; i++)
        {
            var item = items[i]?.ToAmqp() ?? Invalid("it is null");
            if (!item.IsOk)
                return Invalid($"Message {i} of the batch: {item.Error!.Message}");
            writer.WriteDataSection(item.Value);
        }
        return envelope.WrittenSpan.ToArray();
    }

    /// <summary>The device that acts, or why it may not.</summary>
    private HubResult<DeviceIdentity> Admit(ApiRequest request, string endpoint)
    {
        if (request.RequireDevice(endpoint) is { } refusal)
            return refusal;
        var device = services.Registry.GetDevice(request.DeviceId);
        return device.IsOk && !device.Value.IsEnabled
            ? new HubError(HubErrorCode.Unauthorized, $"Device '{request.DeviceId}' is disabled.")
            : device;
    }

    private static HubError ErrorOf(MessageProblem problem) => new(
        problem.Condition switch
        {
            ErrorCondition.MessageSizeExceeded => HubErrorCode.MessageTooLarge,
            ErrorCondition.ResourceLimitExceeded => HubErrorCode.StorageFull,
            _ => HubErrorCode.ArgumentInvalid,
        },
        problem.Text);

    private static HubError Invalid(string why) => new(HubErrorCode.ArgumentInvalid, why);
}

/// <summary>A message in the body of a batch.</summary>
internal sealed record DeviceMessageBody
{
    [JsonPropertyName("body")]
    public string? Body { get; init; }

    /// <summary>False when <see cref="Body"/> is the text itself; base64 otherwise.</summary>
    [JsonPropertyName("base64Encoded")]
    public bool? Base64Encoded { get; init; }

    [JsonPropertyName("properties")]
    public Dictionary<string, JsonElement>? Properties { get; init; }

    public HubResult<byte[]> ToAmqp()
    {
        var message = new HttpMessage();
        foreach (var (name, element) in Properties ?? [])
        {
            var value = element.ValueKind switch
            {
                JsonValueKind.String => element.GetString()!,
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => element.GetRawText(),
                _ => null,
            };
            if (element.ValueKind == JsonValueKind.Null)
                continue;
            if (value is null)
                return new HubError(HubErrorCode.ArgumentInvalid, $"the property '{name}' is neither text nor number.");
            if (!name.StartsWith("iothub-", StringComparison.OrdinalIgnoreCase) && name != "dt-subject")
                message.SetApplication(name, value);
            else if (message.Set(name, value) is { } invalid)
                return invalid;
        }
        if (Base64Encoded == false)
            return message.ToAmqp(System.Text.Encoding.UTF8.GetBytes(Body ?? ""));
        var bytes = new byte[(Body?.Length ?? 0) / 4 * 3 + 3];
        return Convert.TryFromBase64String(Body ?? "", bytes, out var length)
            ? message.ToAmqp(bytes.AsMemory(0, length))
            : new HubError(HubErrorCode.ArgumentInvalid, "the body is not base64.");
    }
}
