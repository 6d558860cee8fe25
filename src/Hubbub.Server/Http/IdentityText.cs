using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Hubbub.Core.Identities;
using AuthenticationKind = Hubbub.Core.Identities.AuthenticationType;
using ImportModeKind = Hubbub.Core.Identities.ImportMode;
using KeyChoiceKind = Hubbub.Core.Identities.KeyChoice;

namespace Hubbub.Server.Http;

/// <summary>The service's spellings of times and enumerations. Clients write enumerations in any case.</summary>
internal static class IdentityText
{
    /// <summary>What "never" looks like: C# models cannot hold null.</summary>
    private const string Never = "0001-01-01T00:00:00Z";

    public static string Time(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture) ?? Never;

    public static string ConnectionState(PresenceState presence) => presence.IsConnected ? "Connected" : "Disconnected";

    public static string Status(DeviceStatus status) => status == DeviceStatus.Enabled ? "enabled" : "disabled";

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

    public static string ImportMode(ImportModeKind mode) =>
        char.ToLowerInvariant(mode.ToString()[0]) + mode.ToString()[1..];

    public static bool TryParseImportMode(string text, out ImportModeKind mode) =>
        TryParse(text, Enum.GetValues<ImportModeKind>(), m => m.ToString(), out mode);

    public static string KeyChoice(KeyChoiceKind choice) =>
        char.ToLowerInvariant(choice.ToString()[0]) + choice.ToString()[1..];

    public static bool TryParseKeyChoice(string text, out KeyChoiceKind choice) =>
        TryParse(text, Enum.GetValues<KeyChoiceKind>(), c => c.ToString(), out choice);

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
