using System.Globalization;
using Hubbub.Storage.Files;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>Opens the SQLite file as the state store needs it: durable, exclusive, checked.</summary>
internal static class StateDatabase
{
    // Earlier versions can lose a commit of a write-ahead log that is reset while another checkpoint runs.
    private static readonly Version EngineMin = new(3, 51, 3);

    private const string KeyCheckText = "hubbub";
    private const string KeyCheckRecord = "master key";
    private const int Corrupt = 11;
    private const int Busy = 5;
    private const int Locked = 6;
    private const int NotADatabase = 26;

    /// <summary>Opens and, when needed, creates and migrates the database.</summary>
    /// <exception cref="StateStoreException">In use, damaged, or newer than this program.</exception>
    public static SqliteConnection Open(string path, TimeProvider time)
    {
        CreateFile(path);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Pooling = false,
            DefaultTimeout = 1, // Seconds to wait for another process; 0 would mean for ever.
        }.ToString());
        try
        {
            connection.Open();
            CheckEngine(connection);
            // WAL and FULL: a commit returns after its sync. EXCLUSIVE: the file belongs to one process, which also
            // saves the shared memory file. The wal's size is bounded by the writer, which checkpoints between commits.
            Execute(connection, "PRAGMA locking_mode=EXCLUSIVE");
            Execute(connection, "PRAGMA journal_mode=WAL");
            Execute(connection, "PRAGMA wal_autocheckpoint=0");
            Execute(connection, "PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON");
            if (OperatingSystem.IsMacOS())
                Execute(connection, "PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON");
            Execute(connection, "BEGIN EXCLUSIVE; COMMIT");
            StateSchema.Migrate(connection, time);
            return connection;
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw new StateStoreException($"The database {path} cannot be opened: {Explain(e)}.", e);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Makes sure that the database was written under this master key, before any key is read.</summary>
    /// <exception cref="StateStoreException">It was written under another one.</exception>
    public static void CheckMasterKey(SqliteConnection connection, KeyCipher cipher)
    {
        using var read = connection.CreateCommand();
        read.CommandText = "SELECT value FROM master_key_check";
        if (read.ExecuteScalar() is byte[] stored)
        {
            try
            {
                cipher.DecryptText(stored, KeyCheckRecord);
            }
            catch (StateStoreException e)
            {
                throw new StateStoreException(
                    $"The master key is not the one of {connection.DataSource}. Restore it from a backup.", e);
            }
            return;
        }
        using var write = connection.CreateCommand();
        write.CommandText = "INSERT INTO master_key_check (id, value) VALUES (1, $value)";
        write.Parameters.AddWithValue("$value", cipher.EncryptText(KeyCheckText, KeyCheckRecord));
        write.ExecuteNonQuery();
    }

    /// <summary>
    /// Creates an empty file that only its owner may read; SQLite gives its other files the same mode.
    /// </summary>
    private static void CreateFile(string path)
    {
        if (File.Exists(path))
            return;
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        new FileStream(path, options).Dispose();
        NativeFile.SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    private static void CheckEngine(SqliteConnection connection)
    {
        if (!Version.TryParse(connection.ServerVersion, out var version) || version < EngineMin)
        {
            throw new StateStoreException(
                $"The SQLite engine has version {connection.ServerVersion}; at least {EngineMin} is needed.");
        }
    }

    private static string Explain(SqliteException e) => e.SqliteErrorCode switch
    {
        Busy or Locked => "another process uses it. Stop that one, or name another data directory",
        Corrupt or NotADatabase => "it is damaged, or not a database. Restore it from a backup",
        _ => string.Create(CultureInfo.InvariantCulture, $"{e.Message} (extended code {e.SqliteExtendedErrorCode})"),
    };

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
