namespace Hubbub.Core.Security;

/// <summary>
/// Keeps the hub's certificate authorities durably. Safe for concurrent use. A write returns null when it is on stable
/// storage, else why nothing was written (a full disk); a call that was cancelled has written nothing.
/// </summary>
public interface ICertificateStore
{
    ValueTask<IReadOnlyList<CertificateAuthority>> LoadAuthoritiesAsync(CancellationToken cancellationToken);

    ValueTask<HubError?> PutAuthorityAsync(CertificateAuthority authority, CancellationToken cancellationToken);

    ValueTask<HubError?> DeleteAuthorityAsync(CertificateAuthority authority, CancellationToken cancellationToken);
}
