using System.Security.Cryptography;
using System.Text;
using Hubbub.Core.Identities;

namespace Hubbub.Core.Security;

/// <summary>
/// Turns credentials into claims. Verification works in memory only, tries both keys always and in fixed time, and
/// spends a signature on unknown ids too. Safe for concurrent use.
/// </summary>
public sealed partial class Authenticator
{
    private static readonly byte[] DummyKey = RandomNumberGenerator.GetBytes(SecurityLimits.GeneratedKeyBytes);

    private readonly HubIdentity _hub;
    private readonly IdentityRegistry _registry;
    private readonly PolicyRegistry _policies;
    private readonly CertificateAuthorities _authorities;
    private readonly PinnedCertificates _pinned;
    private readonly TimeProvider _time;
    private readonly TimeSpan _clockSkew;

    /// <param name="hub">Whose host names tokens may be for.</param>
    /// <param name="registry">The devices and modules.</param>
    /// <param name="policies">The hub's policies.</param>
    /// <param name="time">The hub's clock.</param>
    /// <param name="clockSkew">0 to 10 minutes by which a token is honoured beyond its expiry; null for 5.</param>
    /// <param name="authorities">Who vouches for certificates; null for nobody.</param>
    public Authenticator(
        HubIdentity hub,
        IdentityRegistry registry,
        PolicyRegistry policies,
        TimeProvider time,
        TimeSpan? clockSkew = null,
        CertificateAuthorities? authorities = null)
    {
        (_hub, _registry, _policies, _time) = (hub, registry, policies, time);
        _pinned = new PinnedCertificates(registry);
        _authorities = authorities ?? CertificateAuthorities.None(time);
        _clockSkew = clockSkew ?? SecurityLimits.ClockSkewDefault;
        ArgumentOutOfRangeException.ThrowIfLessThan(_clockSkew, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_clockSkew, SecurityLimits.ClockSkewMax);
    }

    /// <summary>Verifies a shared access signature token.</summary>
    /// <returns>The claim, or Unauthorized, DeviceNotFound or ModuleNotFound with the reason.</returns>
    public HubResult<Claim> Verify(string token)
    {
        var parsed = SharedAccessSignature.Parse(token);
        if (!parsed.IsOk)
            return parsed.Error!;
        var signature = parsed.Value;
        Span<char> buffer = stackalloc char[SecurityLimits.TokenLengthMax];
        if (ResourcePath.Parse(signature.Resource, buffer, _hub, out var resource) is { } problem)
            return Refuse($"The token's resource '{signature.Resource}' cannot be used: {problem}.");
        if (!signature.PolicyName.IsEmpty)
            return VerifyPolicy(signature, resource);
        var verified = VerifyIdentity(signature, resource);
        // C clients escape nothing, and what they wrote may look like an escape: as for ids that are escaped twice,
        // whose key signed settles which of the ids is meant.
        return !verified.IsOk && ResourcePath.ParseUnescaped(signature.Resource, _hub, out var written)
            && VerifyIdentity(signature, written) is { IsOk: true } asWritten
                ? asWritten
                : verified;
    }

    /// <summary>Verifies a user name and password of SASL PLAIN.</summary>
    /// <returns>A claim that covers the user, or the reason why there is none, as <see cref="Verify"/>.</returns>
    public HubResult<Claim> Verify(PlainCredentials credentials)
    {
        if (credentials.Kind == PlainUserKind.PolicyKey)
            return VerifyPolicyKey(credentials);
        var verified = Verify(credentials.Password);
        if (!verified.IsOk)
            return verified;
        var claim = verified.Value;
        if (credentials.Kind == PlainUserKind.Policy)
        {
            return string.Equals(claim.PolicyName, credentials.Name, StringComparison.OrdinalIgnoreCase)
                ? verified
                : Refuse($"The token was not signed with a key of the user name's policy '{credentials.Name}'.");
        }
        if (claim.Kind == ClaimKind.Policy ? !AllowsAnyOf(claim, credentials) : !IsHolder(claim, credentials))
            return Refuse($"The token does not cover the user: {Describe(credentials.Name, credentials.ModuleId)}.");
        return verified;
    }

    /// <summary>
    /// Whose credential a token says to be, verified or not: for counting failures. Null when it says nothing.
    /// </summary>
    public string? HolderOf(string token)
    {
        if (SharedAccessSignature.Parse(token) is not { IsOk: true, Value: var signature })
            return null;
        if (!signature.PolicyName.IsEmpty)
            return DescribePolicy(signature.PolicyName);
        Span<char> buffer = stackalloc char[SecurityLimits.TokenLengthMax];
        if (ResourcePath.Parse(signature.Resource, buffer, _hub, out var resource) is not null
            || !resource.TrySplitIdentity(out var device, out var module, out _))
            return null;
        var (deviceId, moduleId) = (device.ToString(), module.IsEmpty ? null : module.ToString());
        // As in VerifyIdentity: an id that is encoded twice, in whatever way, is the same id, and is counted as one.
        var isRegistered = _registry.FindEntry(device) is { } entry
            && (moduleId is null || entry.FindModule(module) is not null);
        return !isRegistered && PercentEncoding.Decode(deviceId) is { } meant
            ? Describe(meant, moduleId is null ? null : PercentEncoding.Decode(moduleId) ?? moduleId)
            : Describe(deviceId, moduleId);
    }

    /// <summary>Whose credentials these say to be.</summary>
    public static string HolderOf(PlainCredentials credentials) =>
        credentials.Kind is PlainUserKind.Policy or PlainUserKind.PolicyKey
            ? DescribePolicy(credentials.Name)
            : Describe(credentials.Name, credentials.ModuleId);

    /// <summary>
    /// Looks whether a claim given earlier still stands: to be asked when an identity changes and when a claim is used
    /// again.
    /// </summary>
    /// <returns>Null when it does, else why not: expired, disabled, deleted, re-created, key replaced.</returns>
    public HubError? WhyRevoked(Claim claim)
    {
        if (claim.EnforcedAt < _time.GetUtcNow())
            return claim.Proof is null ? Expired(claim.ExpiresAt) : CertificateEnded(claim.ExpiresAt);
        if (claim.Kind == ClaimKind.Policy)
        {
            return _policies.Current.Find(claim.PolicyName) is { } policy && policy.Keys.Contains(claim.VerifiedWith!)
                && policy.Rights == claim.Rights
                ? null
                : Refuse($"The key of the policy '{claim.PolicyName}' that signed the token is no longer valid.");
        }
        if (_registry.FindEntry(claim.DeviceId) is not { } entry)
            return NotRegistered(claim.DeviceId!, null);
        var module = claim.ModuleId is null ? null : entry.FindModule(claim.ModuleId);
        if (claim.ModuleId is not null && module is null)
            return NotRegistered(claim.DeviceId!, claim.ModuleId);
        if (claim.GenerationId != (module?.GenerationId ?? entry.Device.GenerationId))
            return Refuse($"{Describe(claim.DeviceId!, claim.ModuleId)} was registered anew; the credential is older.");
        if (!entry.Device.IsEnabled)
            return Disabled(claim.DeviceId!);
        var authentication = module?.Authentication ?? entry.Device.Authentication;
        if (claim.Proof is { } proof)
            return WhyNotProvenBy(proof, authentication, claim.DeviceId!, claim.ModuleId);
        var keys = authentication.Keys;
        return keys is not null && keys.Contains(claim.VerifiedWith!)
            ? null
            : Refuse($"The key that signed the token is no longer valid. {Describe(claim.DeviceId!, claim.ModuleId)}.");
    }

    private HubResult<Claim> VerifyPolicy(in SharedAccessSignature signature, ResourcePath resource)
    {
        if (_policies.Current.Find(signature.PolicyName) is not { } policy)
        {
            _ = signature.IsSignedWith(DummyKey) | signature.IsSignedWith(DummyKey)
                | signature.IsSignedWith(DummyKey) | signature.IsSignedWith(DummyKey);
            return BadSignature(DescribePolicy(signature.PolicyName));
        }
        var (primary, secondary) = policy.Keys;
        // Device and service clients sign with the decoded key, Event Hubs clients with the bytes of its text.
        var byPrimary = signature.IsSignedWith(primary.Bytes) | signature.IsSignedWith(primary.TextBytes);
        var bySecondary = signature.IsSignedWith(secondary.Bytes) | signature.IsSignedWith(secondary.TextBytes);
        if (!(byPrimary | bySecondary))
            return BadSignature($"Policy '{policy.Name}'");
        return Honour(signature, new Claim
        {
            Kind = ClaimKind.Policy,
            PolicyName = policy.Name,
            Rights = policy.Rights,
            Scope = ScopeOf(resource),
            ExpiresAt = ToTime(signature.ExpirySeconds),
            EnforcedAt = ToTime(signature.ExpirySeconds, _clockSkew),
            VerifiedWith = byPrimary ? primary : secondary,
        });
    }

    private HubResult<Claim> VerifyIdentity(in SharedAccessSignature signature, ResourcePath resource)
    {
        if (!resource.TrySplitIdentity(out var deviceId, out var moduleId, out var rest))
            return Refuse("A token without a policy name (skn) must be for host/devices/{id} or below.");
        var result = VerifyIdentity(signature, deviceId, moduleId, rest);
        if (result.IsOk || !(deviceId.Contains('%') || moduleId.Contains('%')))
            return result;
        // C# clients encode the id first and then the whole resource again. Which of the two ids is meant is settled
        // by whose key signed, so the second reading cannot reach a device whose key the sender does not have.
        Span<char> device = stackalloc char[deviceId.Length];
        Span<char> module = stackalloc char[moduleId.Length];
        if (!PercentEncoding.TryDecode(deviceId, device, out var deviceLength)
            || !PercentEncoding.TryDecode(moduleId, module, out var moduleLength))
            return result;
        var again = VerifyIdentity(signature, device[..deviceLength], module[..moduleLength], rest);
        return again.IsOk || again.Error!.Code == HubErrorCode.Unauthorized ? again : result;
    }

    private HubResult<Claim> VerifyIdentity(
        in SharedAccessSignature signature,
        ReadOnlySpan<char> deviceId,
        ReadOnlySpan<char> moduleId,
        ReadOnlySpan<char> rest)
    {
        var entry = _registry.FindEntry(deviceId);
        var module = moduleId.IsEmpty ? null : entry?.FindModule(moduleId);
        var authentication = moduleId.IsEmpty ? entry?.Device.Authentication : module?.Authentication;
        if (authentication?.Keys is not { } keys)
        {
            _ = signature.IsSignedWith(DummyKey) | signature.IsSignedWith(DummyKey);
            if (entry is null)
                return NotRegistered(deviceId.ToString(), null);
            if (authentication is null)
                return NotRegistered(entry.Device.DeviceId, moduleId.ToString());
            var who = Describe(entry.Device.DeviceId, module?.ModuleId);
            return Refuse($"{who} authenticates by {authentication.Type}, not by token.");
        }
        var byPrimary = signature.IsSignedWith(keys.Primary.Bytes);
        var bySecondary = signature.IsSignedWith(keys.Secondary.Bytes);
        var device = entry!.Device;
        if (!(byPrimary | bySecondary))
            return BadSignature(Describe(device.DeviceId, module?.ModuleId));
        if (!device.IsEnabled)
            return Disabled(device.DeviceId);
        return Honour(signature, new Claim
        {
            Kind = module is null ? ClaimKind.Device : ClaimKind.Module,
            DeviceId = device.DeviceId,
            ModuleId = module?.ModuleId,
            GenerationId = module?.GenerationId ?? device.GenerationId,
            Rights = AccessRights.DeviceConnect,
            // The common token is for the identity itself; AllowsDevice compares that by id, without a path.
            Scope = rest.IsEmpty ? "" : ScopeOf(device.DeviceId, module?.ModuleId, rest),
            ExpiresAt = ToTime(signature.ExpirySeconds),
            EnforcedAt = ToTime(signature.ExpirySeconds, _clockSkew),
            VerifiedWith = byPrimary ? keys.Primary : keys.Secondary,
        });
    }

    private HubResult<Claim> VerifyPolicyKey(PlainCredentials credentials)
    {
        var policy = _policies.Current.Find(credentials.Name);
        var password = Encoding.UTF8.GetBytes(credentials.Password);
        var primary = policy is null ? DummyKey : policy.Keys.Primary.TextBytes;
        var secondary = policy is null ? DummyKey : policy.Keys.Secondary.TextBytes;
        var isPrimary = CryptographicOperations.FixedTimeEquals(password, primary);
        var isSecondary = CryptographicOperations.FixedTimeEquals(password, secondary);
        if (policy is null || !(isPrimary | isSecondary))
            return Refuse($"The password is not a key of a policy '{credentials.Name}'.");
        return new Claim
        {
            Kind = ClaimKind.Policy,
            PolicyName = policy.Name,
            Rights = policy.Rights,
            Scope = "",
            ExpiresAt = DateTimeOffset.MaxValue,
            EnforcedAt = DateTimeOffset.MaxValue,
            VerifiedWith = isPrimary ? policy.Keys.Primary : policy.Keys.Secondary,
        };
    }

    private HubResult<Claim> Honour(in SharedAccessSignature signature, Claim claim) =>
        claim.EnforcedAt < _time.GetUtcNow() ? Expired(claim.ExpiresAt) : claim;

    /// <summary>
    /// A policy's scope as it was meant: where an id was encoded twice (C# clients), and only the id decoded once more
    /// is registered, that one.
    /// </summary>
    private string ScopeOf(ResourcePath resource)
    {
        if (resource.Path.Contains('%')
            && resource.TrySplitIdentity(out var deviceId, out var moduleId, out var rest)
            && _registry.FindEntry(deviceId) is null
            && PercentEncoding.Decode(deviceId.ToString()) is { } device
            && PercentEncoding.Decode(moduleId.ToString()) is { } module
            && _registry.FindEntry(device) is not null)
            return ScopeOf(device, module.Length == 0 ? null : module, rest);
        return resource.Path.ToString();
    }

    private static string ScopeOf(string deviceId, string? moduleId, ReadOnlySpan<char> rest) =>
        $"devices/{deviceId}{(moduleId is null ? "" : "/modules/")}{moduleId}{(rest.IsEmpty ? "" : "/")}{rest}";

    /// <summary>True when a policy's scope reaches the user, or lies below it (<c>.../messages/events</c>).</summary>
    private static bool AllowsAnyOf(Claim claim, PlainCredentials user) =>
        claim.AllowsDevice(user.Name, user.ModuleId)
        || (claim.Rights.HasFlag(AccessRights.DeviceConnect)
            && ResourcePath.Covers(ScopeOf(user.Name, user.ModuleId, default), claim.Scope));

    private static bool IsHolder(Claim claim, PlainCredentials user) =>
        claim.DeviceId == user.Name && claim.ModuleId == user.ModuleId;

    private static DateTimeOffset ToTime(long expirySeconds, TimeSpan skew = default)
    {
        // A token may be dated beyond the calendar's end; it is then good until that end.
        var last = DateTimeOffset.MaxValue.ToUnixTimeSeconds() - (long)SecurityLimits.ClockSkewMax.TotalSeconds;
        return DateTimeOffset.FromUnixTimeSeconds(Math.Min(expirySeconds, last)) + skew;
    }

    /// <summary>What is no name of a policy is not repeated: it may be a key that somebody put there.</summary>
    private static string DescribePolicy(ReadOnlySpan<char> name) =>
        AccessPolicy.IsValidName(name) ? $"Policy '{name}'" : "A policy of an impossible name";

    private static string Describe(string deviceId, string? moduleId) =>
        moduleId is null ? $"Device '{deviceId}'" : $"Module '{moduleId}' of device '{deviceId}'";

    private HubError NotRegistered(string deviceId, string? moduleId) => moduleId is null
        ? new(HubErrorCode.DeviceNotFound, $"Device {deviceId} at IotHub {_hub.Name} not registered.")
        : new(
            HubErrorCode.ModuleNotFound,
            $"Module {moduleId} of device {deviceId} at IotHub {_hub.Name} not registered.");

    private static HubError Disabled(string deviceId) => Refuse($"Device '{deviceId}' is disabled.");

    private static HubError BadSignature(string whose) => Refuse(
        "The specified SAS token has an invalid signature. It does not match either the primary or secondary key. "
        + $"{whose}.");

    private static HubError Expired(DateTimeOffset expiresAt) =>
        Refuse($"The specified SAS token is expired: it was valid until {expiresAt.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}.");

    private static HubError Refuse(string why) => new(HubErrorCode.Unauthorized, why);
}
