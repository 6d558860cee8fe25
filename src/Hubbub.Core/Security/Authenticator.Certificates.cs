using Hubbub.Core.Identities;

namespace Hubbub.Core.Security;

// Certificates: the identity says which kind proves it, and no other kind does.
public sealed partial class Authenticator
{
    /// <summary>Verifies that a client certificate proves one device, or with an id one module of it.</summary>
    /// <remarks>
    /// An identity of the kind <see cref="AuthenticationType.SelfSigned"/> is proven by the certificate that it names
    /// by thumbprint, whoever signed that; one of the kind <see cref="AuthenticationType.CertificateAuthority"/> by any
    /// certificate from one of the hub's authorities whose common name is exactly <c>{device}</c> or, for a module,
    /// <c>{device}/{module}</c>. A device's certificate does not act for its modules, nor a module's for its device.
    /// </remarks>
    /// <returns>The claim, or Unauthorized, DeviceNotFound or ModuleNotFound with the reason.</returns>
    public HubResult<Claim> Verify(ClientCertificate certificate, string deviceId, string? moduleId)
    {
        var entry = _registry.FindEntry(deviceId);
        var module = moduleId is null ? null : entry?.FindModule(moduleId);
        var authentication = moduleId is null ? entry?.Device.Authentication : module?.Authentication;
        var now = _time.GetUtcNow();
        if (authentication is { Type: AuthenticationType.SelfSigned })
        {
            if (!IsNamedBy(authentication, certificate))
                return NotProven(deviceId, moduleId);
            if (now < certificate.NotBefore || now > certificate.NotAfter)
                return CertificateEnded(certificate.NotAfter);
            return ToClaim(entry!, module, new CertificateProof(certificate, null), certificate.NotAfter);
        }
        // Who is not what the certificate says learns nothing about who is registered, and how.
        if (certificate.CommonName != CommonNameOf(deviceId, moduleId))
            return NotProven(deviceId, moduleId);
        var chain = certificate.ProveChain(_authorities, now);
        if (!chain.IsOk)
            return chain.Error!;
        if (authentication is null)
            return NotRegistered(deviceId, entry is null ? null : moduleId);
        if (authentication.Type != AuthenticationType.CertificateAuthority)
            return Refuse(
                $"{Describe(deviceId, moduleId)} authenticates by {authentication.Type}, not by a CA's certificate.");
        var proof = new CertificateProof(certificate, chain.Value.AuthorityThumbprint);
        return ToClaim(entry!, module, proof, chain.Value.EndsAt);
    }

    /// <summary>
    /// Looks at the chain that a peer has sent, whomever it may prove: when it resumes the TLS session later, it does
    /// not send the intermediate certificates again, and the hub has to know them.
    /// </summary>
    public void Meet(ClientCertificate certificate)
    {
        if (!certificate.Intermediates.IsEmpty)
            _ = certificate.ProveChain(_authorities, _time.GetUtcNow());
    }

    /// <summary>Finds whom a client certificate proves, for a peer who does not say who it is.</summary>
    /// <returns>
    /// One claim or, where several identities name the certificate, the first few; else Unauthorized or DeviceNotFound.
    /// </returns>
    public HubResult<IReadOnlyList<Claim>> Verify(ClientCertificate certificate)
    {
        List<Claim> claims = [];
        foreach (var name in _pinned.Find(certificate, SecurityLimits.PinnedClaimsMax))
        {
            if (Verify(certificate, name.DeviceId, name.ModuleId) is { IsOk: true } pinned)
                claims.Add(pinned.Value);
        }
        if (claims.Count > 0)
            return claims;
        if (certificate.CommonName?.Split('/') is not { Length: 1 or 2 } ids)
            return Refuse("The client certificate names nobody: its subject must have one common name, a device's id.");
        var verified = Verify(certificate, ids[0], ids.Length == 1 ? null : ids[1]);
        if (!verified.IsOk)
            return verified.Error!;
        claims.Add(verified.Value);
        return claims;
    }

    /// <summary>Whom a client certificate names by its subject, verified or not: for counting failures.</summary>
    public static string? HolderOf(ClientCertificate certificate) => certificate.CommonName?.Split('/') switch
    {
        [var device] => HolderOf(device, null),
        [var device, var module] => HolderOf(device, module),
        _ => null,
    };

    /// <summary>
    /// The identity that somebody says to be, as it is counted; null when there can be none of that name.
    /// </summary>
    public static string? HolderOf(string deviceId, string? moduleId) =>
        IdentityId.IsValid(deviceId) && (moduleId is null || IdentityId.IsValid(moduleId))
            ? Describe(deviceId, moduleId)
            : null;

    /// <summary>The common name of an identity's certificate, as the service's portal shows it.</summary>
    private static string CommonNameOf(string deviceId, string? moduleId) =>
        moduleId is null ? deviceId : $"{deviceId}/{moduleId}";

    private static HubResult<Claim> ToClaim(
        DeviceEntry entry, ModuleIdentity? module, CertificateProof proof, DateTimeOffset end)
    {
        if (!entry.Device.IsEnabled)
            return Disabled(entry.Device.DeviceId);
        return new Claim
        {
            Kind = module is null ? ClaimKind.Device : ClaimKind.Module,
            DeviceId = entry.Device.DeviceId,
            ModuleId = module?.ModuleId,
            GenerationId = module?.GenerationId ?? entry.Device.GenerationId,
            Rights = AccessRights.DeviceConnect,
            Scope = "",
            ExpiresAt = end,
            // A certificate states a day, not a moment: its end needs no allowance for clocks.
            EnforcedAt = end,
            Proof = proof,
        };
    }

    private HubError? WhyNotProvenBy(
        CertificateProof proof, IdentityAuthentication authentication, string deviceId, string? moduleId) =>
        authentication.Type switch
        {
            AuthenticationType.SelfSigned => IsNamedBy(authentication, proof.Certificate)
                ? null
                : NotProven(deviceId, moduleId),
            AuthenticationType.CertificateAuthority => proof.AuthorityThumbprint is { } authority
                && _authorities.Contains(authority)
                    ? null
                    : Refuse($"The certificate authority of the client certificate is not trusted any more. "
                        + $"{Describe(deviceId, moduleId)}."),
            _ => NotProven(deviceId, moduleId),
        };

    private static bool IsNamedBy(IdentityAuthentication authentication, ClientCertificate certificate) =>
        certificate.HasThumbprint(authentication.PrimaryThumbprint)
        | certificate.HasThumbprint(authentication.SecondaryThumbprint);

    private static HubError NotProven(string deviceId, string? moduleId) => Refuse(
        $"The client certificate does not prove to be this: {Describe(deviceId, moduleId)}. "
        + "Its thumbprint or common name must be the registered one.");

    private static HubError CertificateEnded(DateTimeOffset end) => Refuse(
        $"The client certificate is not valid yet, or no longer: it ends {end.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}.");
}
