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
    // RFC 9110, 5.6.2: the characters of a header's name; but a percent sign, so that names can be decoded.
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    public static async Task WriteAsync(HttpContext context, LockedCommand command)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/octet-stream";
        response.Headers.ETag = $"\"{command.LockToken}\"";
        var headers = new PropertyHeaders();
        headers.Add("iothub-sequencenumber", command.SequenceNumber.ToString(CultureInfo.InvariantCulture));
        headers.Add("iothub-enqueuedtime", IdentityText.Time(command.EnqueuedAt));
        headers.Add("iothub-deliverycount", command.DeliveryCount.ToString(CultureInfo.InvariantCulture));
        var body = AddProperties(headers, command.Payload);
        headers.WriteTo(response.Headers);
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static ReadOnlyMemory<byte> AddProperties(PropertyHeaders headers, ReadOnlyMemory<byte> payload)
    {
        // The hub wrote it itself (CommandMessage), with one data section.
        if (!MessageSections.TryRead(payload, SectionOrder.Lenient, out var sections, out var problem))
            throw new InvalidDataException($"A stored command cannot be read: {problem.Text}");
        if (sections.ReadProperties() is { } properties)
        {
            headers.Add("iothub-messageid", CommandMessage.IdText(properties.MessageId));
            headers.Add("iothub-correlationid", CommandMessage.IdText(properties.CorrelationId));
            headers.Add("iothub-to", CommandMessage.IdText(properties.To));
            headers.Add("iothub-userid", properties.UserId is { } user ? Encoding.UTF8.GetString(user.Span) : null);
            headers.Add("iothub-contenttype", properties.ContentType?.Value);
            headers.Add("iothub-contentencoding", properties.ContentEncoding?.Value);
            if (properties.AbsoluteExpiryTime is { } expiry)
                headers.Add("iothub-expiry", IdentityText.Time(expiry.ToDateTimeOffset()));
        }
        foreach (var (key, value) in sections.ApplicationProperties ?? [])
        {
            if (!key.TryGetString(out var name) || !value.TryGetString(out var text))
                continue;
            if (name == HttpMessage.AckProperty)
                headers.Add(name, text);
            else
                headers.Add(HttpMessage.AppPrefix + Escape(name, NameCharacters), text);
        }
        foreach (var data in sections.Data)
            return data;
        return default;
    }

    private static string Escape(string name, SearchValues<char> allowed) =>
        name.AsSpan().ContainsAnyExcept(allowed) ? Uri.EscapeDataString(name) : name;
}
