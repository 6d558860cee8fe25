using Hubbub.Core.Security;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>The table of the certificate authorities. Used on the writer's thread only.</summary>
internal sealed class CertificateTables(SqliteConnection connection) : IDisposable
{
    private readonly PreparedCommand _put = new(
        connection,
        "INSERT OR REPLACE INTO certificate_authority (name, certificate, created_ticks) VALUES ($p0, $p1, $p2)");

    private readonly PreparedCommand _delete =
        new(connection, "DELETE FROM certificate_authority WHERE name = $p0");

    public IReadOnlyList<CertificateAuthority> Load()
    {
        using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT name, certificate, created_ticks FROM certificate_authority ORDER BY created_ticks";
        using var row = command.ExecuteReader();
        List<CertificateAuthority> authorities = [];
        while (row.Read())
        {
            authorities.Add(CertificateAuthority.Restore(
                row.GetString(0),
                row.GetFieldValue<byte[]>(1),
                new DateTimeOffset(row.GetInt64(2), TimeSpan.Zero)));
        }
        return authorities;
    }

    public void Put(CertificateAuthority authority) =>
        _put.Execute(authority.Name, authority.Certificate, authority.CreatedAt.UtcTicks);

    public void Delete(CertificateAuthority authority) => _delete.Execute(authority.Name);

    public void Dispose()
    {
        _put.Dispose();
        _delete.Dispose();
    }
}
