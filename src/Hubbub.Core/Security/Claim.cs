namespace Hubbub.Core.Security;

/// <summary>Whose credential a claim rests on.</summary>
public enum ClaimKind
{
    Device,
    Module,
    Policy,
}

/// <summary>
/// What a verified credential permits, and until when. A claim is about one resource scope; a connection may hold many.
/// Every question is answered by whole path segments, ids compared ordinally.
/// </summary>
public sealed class Claim
{
    private const string BuiltInEvents = "messages/events";

    public required ClaimKind Kind { get; init; }

    /// <summary>The device whose credential, or whose module's, this was; null for a policy.</summary>
    public string? DeviceId { get; init; }

    /// <summary>The module whose credential this was; null for a device or a policy.</summary>
    public string? ModuleId { get; init; }

    /// <summary>The generation of the device or module whose credential this was.</summary>
    public string? GenerationId { get; init; }

    /// <summary>The policy whose key signed; null for a device or module.</summary>
    public string? PolicyName { get; init; }

    public required AccessRights Rights { get; init; }

    /// <summary>
    /// The decoded resource below the host, without a slash at either end, such as <c>messages/events</c>. Empty for
    /// all that the holder has: the hub for a policy, the identity itself for a device or module.
    /// </summary>
    public required string Scope { get; init; }

    /// <summary>The expiry that the token or certificate states.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>
    /// When the hub stops honouring the claim: <see cref="ExpiresAt"/> plus the tolerated clock skew.
    /// </summary>
    public required DateTimeOffset EnforcedAt { get; init; }

    /// <summary>The value of an event's <c>iothub-connection-auth-method</c> annotation: JSON.</summary>
    public string AuthMethod => Kind switch
    {
        ClaimKind.Device when Proof is not null =>
            """{"scope":"device","type":"x509Certificate","issuer":"external","acceptingIpFilterRule":null}""",
        ClaimKind.Module when Proof is not null =>
            """{"scope":"module","type":"x509Certificate","issuer":"external","acceptingIpFilterRule":null}""",
        ClaimKind.Device => """{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}""",
        ClaimKind.Module => """{"scope":"module","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}""",
        _ => """{"scope":"hub","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}""",
    };

    /// <summary>
    /// The key that the credential was verified with; kept to tell whether it is still one of the valid ones.
    /// </summary>
    internal SymmetricKey? VerifiedWith { get; init; }

    /// <summary>The certificate that the claim rests on; null where a key has signed.</summary>
    internal CertificateProof? Proof { get; init; }

    /// <summary>
    /// True when the holder may act as the device (or, with an id, as the module) on <paramref name="path"/>, the part
    /// of the address below the identity, such as <c>messages/events</c>. A device's own key does not act for its
    /// modules, nor a module's for its device.
    /// </summary>
    public bool AllowsDevice(string deviceId, string? moduleId, ReadOnlySpan<char> path = default)
    {
        var isHolder = Kind == ClaimKind.Policy
            ? Allows(AccessRights.DeviceConnect)
            : string.Equals(deviceId, DeviceId, StringComparison.Ordinal)
                && string.Equals(moduleId, ModuleId, StringComparison.Ordinal);
        if (!isHolder)
            return false;
        return Scope.Length == 0 || ResourcePath.Covers(Scope, AddressOf(deviceId, moduleId, path));
    }

    /// <summary>
    /// True when the holder is a policy with all of <paramref name="rights"/> whose scope covers
    /// <paramref name="path"/>: decoded, without slashes at the ends, such as <c>messages/deviceBound</c> or
    /// <c>devices/d1</c>.
    /// </summary>
    public bool AllowsService(AccessRights rights, ReadOnlySpan<char> path) =>
        Kind == ClaimKind.Policy && Allows(rights) && ResourcePath.Covers(Scope, path);

    /// <summary>
    /// True when the holder may use the events entity on <paramref name="path"/>, the part of the address below the
    /// entity, such as <c>ConsumerGroups/$Default/Partitions/0</c> or <c>$management</c>. The scope may name the
    /// entity as it is, and the built-in one also as <c>messages/events</c>.
    /// </summary>
    public bool AllowsEntity(string entityName, ReadOnlySpan<char> path, bool isBuiltIn = true)
    {
        if (Kind != ClaimKind.Policy || !Allows(AccessRights.ServiceConnect))
            return false;
        if (Scope.Length == 0)
            return true;
        ReadOnlySpan<char> scope = Scope;
        if (!isBuiltIn)
            return Matches(ref scope, entityName) && ResourcePath.Covers(scope, path);
        return Matches(ref scope, BuiltInEvents) || Matches(ref scope, entityName)
            ? ResourcePath.Covers(scope, path)
            : ResourcePath.Covers(Scope, BuiltInEvents); // A prefix of the alias: `messages`.
    }

    private bool Allows(AccessRights rights) => (Rights & rights) == rights;

    private static bool Matches(ref ReadOnlySpan<char> scope, ReadOnlySpan<char> prefix)
    {
        if (!ResourcePath.Covers(prefix, scope))
            return false;
        scope = scope.Length == prefix.Length ? default : scope[(prefix.Length + 1)..];
        return true;
    }

    private static string AddressOf(string deviceId, string? moduleId, ReadOnlySpan<char> path)
    {
        var identity = moduleId is null ? $"devices/{deviceId}" : $"devices/{deviceId}/modules/{moduleId}";
        return path.IsEmpty ? identity : $"{identity}/{path}";
    }
}

/// <summary>A client certificate that has proven an identity.</summary>
/// <param name="AuthorityThumbprint">
/// The hub's authority that vouches for it; null when the identity names the certificate itself.
/// </param>
internal sealed record CertificateProof(ClientCertificate Certificate, string? AuthorityThumbprint);
