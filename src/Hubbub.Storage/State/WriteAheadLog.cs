using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Hubbub.Storage.State;

/// <summary>
/// The database's write-ahead log, brought into the database where nobody waits for it: after a group was acknowledged,
/// when the log has grown long, or when nothing has been stored for a while. Used on the writer's thread only.
/// </summary>
internal sealed class WriteAheadLog(SqliteConnection connection)
{
    /// <summary>SQLITE_CHECKPOINT_NOOP: says how long the log is, and does nothing.</summary>
    private const int Look = -1;

    /// <summary>Brings the log into the database when it has that many pages that are not there yet.</summary>
    /// <exception cref="SqliteException">The disk failed, or is full.</exception>
    public void CheckpointFrom(int pagesMin)
    {
        if (Run(Look) >= pagesMin)
            Run(raw.SQLITE_CHECKPOINT_PASSIVE);
    }

    /// <returns>Pages of the log that are not in the database.</returns>
    private int Run(int mode)
    {
        var code = raw.sqlite3_wal_checkpoint_v2(connection.Handle, "main", mode, out var pages, out var done);
        return code == raw.SQLITE_OK
            ? pages - done
            : throw new SqliteException(
                $"A checkpoint failed: {raw.sqlite3_errmsg(connection.Handle).utf8_to_string()}",
                code & 0xff,
                raw.sqlite3_extended_errcode(connection.Handle));
    }
}
