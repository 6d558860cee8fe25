using System.Buffers;
using System.Globalization;
using System.Text;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Core.Commands;
using Hubbub.Server.Messages;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>
/// Writes a command as the answer of an HTTPS receive: its properties are headers, its body is the body.
/// </summary>
internal static class HttpCommand
{
    /// <summary>Names the headers whose values are percent-encoded; in others a percent sign is one.</summary>
    private const string EncodedHeader = "Hubbub-Percent-Encoded";

    // RFC 9110, 5.6.2: the characters of a header's name; but a percent sign, so that names can be decoded.
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    public static async Task WriteAsync(HttpContext context, LockedCommand command)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/octet-stream";
        response.Headers.ETag = $"\"{command.LockToken}\"";
        Set(response, "iothub-sequencenumber", command.SequenceNumber.ToString(CultureInfo.InvariantCulture));
        Set(response, "iothub-enqueuedtime", IdentityText.Time(command.EnqueuedAt));
        Set(response, "iothub-deliverycount", command.DeliveryCount.ToString(CultureInfo.InvariantCulture));
        var body = SetProperties(response, command.Payload);
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static ReadOnlyMemory<byte> SetProperties(HttpResponse response, ReadOnlyMemory<byte> payload)
    {
        // The hub wrote it itself (CommandMessage), with one data section.
        if (!MessageSections.TryRead(payload, SectionOrder.Lenient, out var sections, out var problem))
            throw new InvalidDataException($"A stored command cannot be read: {problem.Text}");
        if (sections.ReadProperties() is { } properties)
        {
            Set(response, "iothub-messageid", CommandMessage.IdText(properties.MessageId));
            Set(response, "iothub-correlationid", CommandMessage.IdText(properties.CorrelationId));
            Set(response, "iothub-to", CommandMessage.IdText(properties.To));
            Set(response, "iothub-userid", properties.UserId is { } user ? Encoding.UTF8.GetString(user.Span) : null);
            Set(response, "iothub-contenttype", properties.ContentType?.Value);
            Set(response, "iothub-contentencoding", properties.ContentEncoding?.Value);
            if (properties.AbsoluteExpiryTime is { } expiry)
                Set(response, "iothub-expiry", IdentityText.Time(expiry.ToDateTimeOffset()));
        }
        foreach (var (key, value) in sections.ApplicationProperties ?? [])
        {
            if (!key.TryGetString(out var name) || !value.TryGetString(out var text))
                continue;
            if (name == HttpMessage.AckProperty)
                Set(response, name, text);
            else
                Set(response, HttpMessage.AppPrefix + Escape(name, NameCharacters), text);
        }
        foreach (var data in sections.Data)
            return data;
        return default;
    }

    private static void Set(HttpResponse response, string name, string? value)
    {
        if (value is null)
            return;
        response.Headers.Append(name, IsPlain(value) ? value : Uri.EscapeDataString(value));
        if (!IsPlain(value))
            response.Headers.AppendCommaSeparatedValues(EncodedHeader, name);
    }

    /// <summary>
    /// What a sender chose must not end a header or begin one; what no header can hold is percent-encoded as a whole.
    /// </summary>
    private static bool IsPlain(string value) => !value.AsSpan().ContainsAnyExceptInRange(' ', '~');

    private static string Escape(string name, SearchValues<char> allowed) =>
        name.AsSpan().ContainsAnyExcept(allowed) ? Uri.EscapeDataString(name) : name;
}
