using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>
/// The tables, as a list of migrations: the n-th brings a database from version n to n + 1, in the transaction that
/// also records it. A migration that was released is never changed; new ones are added at the end.
/// </summary>
internal static class StateSchema
{
    private static readonly string[] Migrations =
    [
        """
        CREATE TABLE device (
          device_id TEXT NOT NULL PRIMARY KEY,
          generation_id TEXT NOT NULL,
          etag TEXT NOT NULL,
          status INTEGER NOT NULL,
          status_reason TEXT,
          status_updated_ticks INTEGER,
          authentication_type INTEGER NOT NULL,
          keys BLOB,
          primary_thumbprint TEXT,
          secondary_thumbprint TEXT,
          iot_edge INTEGER NOT NULL,
          device_scope TEXT,
          parent_scopes TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE module (
          device_id TEXT NOT NULL,
          module_id TEXT NOT NULL,
          generation_id TEXT NOT NULL,
          etag TEXT NOT NULL,
          managed_by TEXT,
          authentication_type INTEGER NOT NULL,
          keys BLOB,
          primary_thumbprint TEXT,
          secondary_thumbprint TEXT,
          PRIMARY KEY (device_id, module_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE hub (
          id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
          entity_name TEXT NOT NULL,
          created_ticks INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE policy (
          name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
          position INTEGER NOT NULL,
          rights INTEGER NOT NULL,
          keys BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE consumer_group (
          entity_name TEXT NOT NULL COLLATE NOCASE,
          name TEXT NOT NULL COLLATE NOCASE,
          created_ticks INTEGER NOT NULL,
          PRIMARY KEY (entity_name, name)
        ) STRICT, WITHOUT ROWID;
        """,
        // AUTOINCREMENT: a number is never given twice, also when the last row was removed before a restart. Payloads
        // stand apart, so that a start reads none of them.
        """
        CREATE TABLE command (
          sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
          device_id TEXT NOT NULL,
          module_id TEXT,
          generation_id TEXT NOT NULL,
          message_id TEXT,
          ack INTEGER NOT NULL,
          enqueued_ms INTEGER NOT NULL,
          expires_ms INTEGER NOT NULL,
          delivery_count INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE command_payload (
          sequence INTEGER NOT NULL PRIMARY KEY,
          payload BLOB NOT NULL
        ) STRICT;
        CREATE TABLE feedback (
          sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
          device_id TEXT NOT NULL,
          module_id TEXT,
          generation_id TEXT NOT NULL,
          message_id TEXT,
          outcome INTEGER NOT NULL,
          happened_ms INTEGER NOT NULL
        ) STRICT;
        """,
        """
        CREATE TABLE certificate_authority (
          name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
          certificate BLOB NOT NULL,
          created_ticks INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """,
        """
        CREATE TABLE endpoint_position (
          endpoint TEXT NOT NULL PRIMARY KEY,
          sequence INTEGER NOT NULL,
          sink_state TEXT
        ) STRICT, WITHOUT ROWID;
        """,
        // Identities by number: new ones are appended, while keys that are ids touch a page each (a million in random
        // order took 8 times as long). Uniqueness of ids is the registry's, which holds all of them.
        """
        ALTER TABLE device RENAME TO device_by_id;
        ALTER TABLE module RENAME TO module_by_id;
        CREATE TABLE device (
          number INTEGER NOT NULL PRIMARY KEY,
          device_id TEXT NOT NULL,
          generation_id TEXT NOT NULL,
          etag TEXT NOT NULL,
          status INTEGER NOT NULL,
          authentication_type INTEGER NOT NULL,
          iot_edge INTEGER NOT NULL,
          keys BLOB,
          primary_thumbprint TEXT,
          secondary_thumbprint TEXT,
          status_reason TEXT,
          status_updated_ticks INTEGER,
          device_scope TEXT,
          parent_scopes TEXT
        ) STRICT;
        CREATE TABLE module (
          number INTEGER NOT NULL PRIMARY KEY,
          device_id TEXT NOT NULL,
          module_id TEXT NOT NULL,
          generation_id TEXT NOT NULL,
          etag TEXT NOT NULL,
          authentication_type INTEGER NOT NULL,
          keys BLOB,
          primary_thumbprint TEXT,
          secondary_thumbprint TEXT,
          managed_by TEXT
        ) STRICT;
        INSERT INTO device (device_id, generation_id, etag, status, authentication_type, iot_edge, keys,
          primary_thumbprint, secondary_thumbprint, status_reason, status_updated_ticks, device_scope, parent_scopes)
        SELECT device_id, generation_id, etag, status, authentication_type, iot_edge, keys,
          primary_thumbprint, secondary_thumbprint, status_reason, status_updated_ticks, device_scope,
          (SELECT group_concat(value, char(10)) FROM json_each(parent_scopes))
        FROM device_by_id;
        INSERT INTO module (device_id, module_id, generation_id, etag, authentication_type, keys,
          primary_thumbprint, secondary_thumbprint, managed_by)
        SELECT device_id, module_id, generation_id, etag, authentication_type, keys,
          primary_thumbprint, secondary_thumbprint, managed_by
        FROM module_by_id;
        DROP TABLE device_by_id;
        DROP TABLE module_by_id;
        """,
        """
        ALTER TABLE feedback ADD COLUMN delivery_count INTEGER NOT NULL DEFAULT 0;
        """,
        // Without times that anybody waits for: written by the thousand, now and then.
        """
        CREATE TABLE activity (
          device_id TEXT NOT NULL,
          module_id TEXT NOT NULL,
          generation_id TEXT NOT NULL,
          is_connected INTEGER NOT NULL,
          changed_ticks INTEGER,
          active_ticks INTEGER,
          PRIMARY KEY (device_id, module_id)
        ) STRICT, WITHOUT ROWID;
        """,
        // kind: 0 endpoint, 1 route, 2 fallback route, 3 enrichment.
        """
        CREATE TABLE routing (
          kind INTEGER NOT NULL,
          position INTEGER NOT NULL,
          stream_id TEXT,
          created_ticks INTEGER,
          value BLOB NOT NULL,
          PRIMARY KEY (kind, position)
        ) STRICT, WITHOUT ROWID;
        """,
    ];

    /// <summary>Brings the database to the newest version.</summary>
    /// <param name="to">A former version, for tests of what comes after; null for the newest.</param>
    /// <exception cref="StateStoreException">The database is newer than this program.</exception>
    public static void Migrate(SqliteConnection connection, TimeProvider time, int? to = null)
    {
        Execute(
            connection,
            """
            CREATE TABLE IF NOT EXISTS migration (
              version INTEGER NOT NULL PRIMARY KEY,
              applied_ticks INTEGER NOT NULL
            ) STRICT;
            CREATE TABLE IF NOT EXISTS master_key_check (
              id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
              value BLOB NOT NULL
            ) STRICT;
            """);
        var version = Version(connection);
        if (version > Migrations.Length)
        {
            throw new StateStoreException(
                $"The database {connection.DataSource} has version {version}; this program knows {Migrations.Length}. "
                + "Use a newer program.");
        }
        for (; version < (to ?? Migrations.Length); version++)
        {
            using var transaction = connection.BeginTransaction();
            Execute(connection, Migrations[version]);
            using var record = connection.CreateCommand();
            record.CommandText = "INSERT INTO migration (version, applied_ticks) VALUES ($version, $now)";
            record.Parameters.AddWithValue("$version", version + 1);
            record.Parameters.AddWithValue("$now", time.GetUtcNow().UtcTicks);
            record.ExecuteNonQuery();
            transaction.Commit();
        }
    }

    private static long Version(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(max(version), 0) FROM migration";
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
