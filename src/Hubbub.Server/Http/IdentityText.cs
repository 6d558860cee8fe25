using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Hubbub.Core.Identities;
using AuthenticationKind = Hubbub.Core.Identities.AuthenticationType;

namespace Hubbub.Server.Http;

/// <summary>The service's spellings of times and enumerations. Clients write enumerations in any case.</summary>
internal static class IdentityText
{
    /// <summary>What "never" looks like: C# models cannot hold null.</summary>
    private const string Never = "0001-01-01T00:00:00Z";

    public static string Time(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture) ?? Never;

    public static string ConnectionState(PresenceState presence) => presence.IsConnected ? "Connected" : "Disconnected";

    public static string AuthenticationType(AuthenticationKind type) => type switch
    {
        AuthenticationKind.Sas => "sas",
        AuthenticationKind.SelfSigned => "selfSigned",
        AuthenticationKind.CertificateAuthority => "certificateAuthority",
        _ => "none",
    };

    public static bool TryParseAuthenticationType(string text, out AuthenticationKind type) =>
        TryParse(text, Enum.GetValues<AuthenticationKind>(), AuthenticationType, out type);

    public static bool TryParseStatus(string text, out DeviceStatus status) =>
        TryParse(text, Enum.GetValues<DeviceStatus>(), s => s.ToString(), out status);

    private static bool TryParse<T>(
        string text, T[] values, Func<T, string> spelling, [MaybeNullWhen(false)] out T value)
    {
        foreach (var candidate in values)
        {
            if (!text.Equals(spelling(candidate), StringComparison.OrdinalIgnoreCase))
                continue;
            value = candidate;
            return true;
        }
        value = default;
        return false;
    }
}
