using System.Globalization;
using System.Net;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Server.Routing.Sinks;

/// <summary>What the status of a webhook's answer means for the events that it was sent.</summary>
internal static class WebhookAnswer
{
    public static SinkResult Read(HttpResponseMessage response, int count, DateTimeOffset now)
    {
        var status = (int)response.StatusCode;
        if (status is >= 200 and < 300)
            return SinkResult.Done(count);
        var text = string.Create(CultureInfo.InvariantCulture, $"The webhook answered {status}");
        if (status is >= 300 and < 400)
            return SinkResult.Retry($"{text}; redirects are not followed, so give the final address as the URL.");
        if (status is >= 400 and < 500 && response.StatusCode is not (HttpStatusCode.RequestTimeout
            or (HttpStatusCode)425 or HttpStatusCode.TooManyRequests))
            return SinkResult.Refuse($"{text}.", count);
        return SinkResult.Retry($"{text}.", retryAfter: RetryAfter(response, now));
    }

    /// <summary>RFC 9110, 10.2.3: seconds, or a date; what cannot be read asks for nothing.</summary>
    private static TimeSpan? RetryAfter(HttpResponseMessage response, DateTimeOffset now) =>
        response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } when date > now => date - now,
            _ => null,
        };
}
