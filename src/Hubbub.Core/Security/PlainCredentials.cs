using System.Diagnostics.CodeAnalysis;
using System.Text;
using Hubbub.Core.Identities;

namespace Hubbub.Core.Security;

/// <summary>What the user name of SASL PLAIN stands for.</summary>
public enum PlainUserKind
{
    /// <summary><c>{device}@sas.{hub}</c> or <c>{device}@{hub}</c>; the password is a token.</summary>
    Device,

    /// <summary>
    /// <c>{device}/modules/{module}@sas.{hub}</c> or the same without <c>sas.</c>; the password is a token.
    /// </summary>
    Module,

    /// <summary><c>{policy}@sas.root.{hub}</c>; the password is a token.</summary>
    Policy,

    /// <summary><c>{policy}</c>, as clients of Event Hubs send it; the password is the key's text.</summary>
    PolicyKey,
}

/// <summary>A user name and password of SASL PLAIN, taken apart but not verified.</summary>
public sealed class PlainCredentials
{
    private const string ModulesSeparator = "/modules/";

    private PlainCredentials(PlainUserKind kind, string name, string? moduleId, string password) =>
        (Kind, Name, ModuleId, Password) = (kind, name, moduleId, password);

    public PlainUserKind Kind { get; }

    /// <summary>The decoded device id or policy name.</summary>
    public string Name { get; }

    /// <summary>The decoded module id, for <see cref="PlainUserKind.Module"/> only.</summary>
    public string? ModuleId { get; }

    internal string Password { get; }

    /// <summary>
    /// Parses the SASL initial response: authorization identity (ignored), NUL, user name, NUL, password.
    /// </summary>
    /// <returns>The credentials, or Unauthorized with the reason.</returns>
    public static HubResult<PlainCredentials> Parse(ReadOnlySpan<byte> initialResponse, HubIdentity hub)
    {
        if (initialResponse.Length > SecurityLimits.UserNameLengthMax * 2 + SecurityLimits.TokenLengthMax)
            return Malformed($"the response of {initialResponse.Length} bytes is too long");
        var first = initialResponse.IndexOf((byte)0);
        var second = first < 0 ? -1 : initialResponse[(first + 1)..].IndexOf((byte)0);
        if (second < 0)
            return Malformed("the response is not of the form NUL user name NUL password");
        if (!TryDecode(initialResponse.Slice(first + 1, second), out var userName)
            || !TryDecode(initialResponse[(first + second + 2)..], out var password))
            return Malformed("the response is not UTF-8, or holds a third NUL");
        return Parse(userName, password, hub);
    }

    /// <summary>Takes a user name apart.</summary>
    public static HubResult<PlainCredentials> Parse(string userName, string password, HubIdentity hub)
    {
        ArgumentNullException.ThrowIfNull(password);
        if (userName.Length > SecurityLimits.UserNameLengthMax)
            return Malformed($"the user name is {userName.Length} characters long");
        // Ids and policy names may hold an @, host names may not: the last one separates.
        var at = userName.LastIndexOf('@');
        if (at < 0)
            return Create(PlainUserKind.PolicyKey, userName, null, password);
        var name = userName[..at];
        var realm = userName.AsSpan(at + 1);
        if (After(realm, "sas.root.", hub))
            return Create(PlainUserKind.Policy, name, null, password);
        if (!After(realm, "sas.", hub) && !After(realm, "", hub))
            return Malformed($"'{Shorten(realm.ToString())}' behind the last @ names none of this hub's names");
        // Ids hold no slash, so at most one `/modules/` separates two of them.
        var separator = name.IndexOf(ModulesSeparator, StringComparison.OrdinalIgnoreCase);
        return separator < 0
            ? Create(PlainUserKind.Device, name, null, password)
            : Create(PlainUserKind.Module, name[..separator], name[(separator + ModulesSeparator.Length)..], password);
    }

    private static HubResult<PlainCredentials> Create(
        PlainUserKind kind, string name, string? moduleId, string password)
    {
        var decodedName = PercentEncoding.Decode(name);
        var decodedModule = moduleId is null ? null : PercentEncoding.Decode(moduleId);
        var isIdentity = kind is PlainUserKind.Device or PlainUserKind.Module;
        // What is no name is not repeated: some people put the key or the token there.
        if (!(isIdentity ? IdentityId.IsValid(decodedName) : AccessPolicy.IsValidName(decodedName)))
            return Malformed($"the user name does not begin with a valid {(isIdentity ? "device id" : "policy name")}");
        if (kind == PlainUserKind.Module && !IdentityId.IsValid(decodedModule))
            return Malformed("the user name does not hold a valid module id");
        return new PlainCredentials(kind, decodedName!, decodedModule, password);
    }

    private static bool After(ReadOnlySpan<char> realm, string prefix, HubIdentity hub) =>
        realm.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && hub.IsHubName(realm[prefix.Length..]);

    private static bool TryDecode(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (utf8.Contains((byte)0) || !System.Text.Unicode.Utf8.IsValid(utf8))
            return false;
        text = Encoding.UTF8.GetString(utf8);
        return true;
    }

    private static string Shorten(string text) =>
        text.Length <= IdentityLimits.IdLengthMax ? text : text[..IdentityLimits.IdLengthMax] + "...";

    private static HubError Malformed(string why) =>
        new(HubErrorCode.Unauthorized, $"The PLAIN credentials are malformed: {why}.");
}
