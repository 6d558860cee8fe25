using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Hubbub.Core;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>
/// The one place where refusals become HTTP answers: status, symbolic code, and the service's error body.
/// </summary>
internal static class HttpErrors
{
    private const string ErrorCodeHeader = "iothub-errorcode";

    /// <summary>The HTTP status: the thousands of the code.</summary>
    public static int StatusOf(HubErrorCode code) => (int)code / 1000;

    /// <summary>The name by which clients of the service know the code.</summary>
    public static string NameOf(HubErrorCode code) => code switch
    {
        HubErrorCode.ArgumentOutOfRange => "ArgumentInvalid",
        HubErrorCode.FormatError => "IotHubFormatError",
        HubErrorCode.UnauthorizedAccess => "IotHubUnauthorizedAccess",
        HubErrorCode.Unauthorized => "IotHubUnauthorized",
        HubErrorCode.QuotaExceeded => "IotHubQuotaExceeded",
        HubErrorCode.MaxCbsTokenExceeded => "IotHubMaxCbsTokenExceeded",
        HubErrorCode.EntityNotFound => "GenericNotFound",
        HubErrorCode.MethodNotAllowed => "GenericMethodNotAllowed",
        HubErrorCode.RequestEntityTooLarge => "GenericRequestEntityTooLarge",
        HubErrorCode.Throttling => "ThrottlingException",
        _ => code.ToString(),
    };

    /// <summary>Names the code in the header of an answer that has a body of its own.</summary>
    public static void SetCode(HttpContext context, HubErrorCode code) =>
        context.Response.Headers[ErrorCodeHeader] = NameOf(code);

    /// <summary>Writes the answer. C# clients believe the code only when header and body name the same one.</summary>
    public static Task WriteAsync(HttpContext context, HubError error, TimeProvider time)
    {
        var name = NameOf(error.Code);
        var now = time.GetUtcNow().ToString("MM/dd/yyyy HH:mm:ss", CultureInfo.InvariantCulture);
        var tracking = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var body = new ErrorBody(
            $"ErrorCode:{name};{Secrets.Hide(error.Message)}", $"Tracking ID:{tracking}-G:0-TimeStamp:{now}");
        context.Response.StatusCode = StatusOf(error.Code);
        SetCode(context, error.Code);
        if (error.Code == HubErrorCode.Unauthorized || error.Code == HubErrorCode.UnauthorizedAccess)
            context.Response.Headers.WWWAuthenticate = "SharedAccessSignature";
        if (error.Code == HubErrorCode.Throttling)
            context.Response.Headers.RetryAfter = ApiLimits.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        return ApiJson.WriteAsync(context, body, ApiJson.Default.ErrorBody);
    }
}

/// <summary>The error body of the service.</summary>
/// <param name="Message"><c>ErrorCode:{name};{text}</c>; clients split it at the first semicolon.</param>
internal sealed record ErrorBody(string Message, string ExceptionMessage);
