using Hubbub.Core.Identities;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>When identities were last heard of. Used on the writer's thread only.</summary>
internal sealed class ActivityTable(SqliteConnection connection) : IDisposable
{
    private readonly PreparedCommand _put = new(
        connection,
        """
        INSERT OR REPLACE INTO activity (device_id, module_id, generation_id, is_connected, changed_ticks, active_ticks)
        VALUES ($p0, $p1, $p2, $p3, $p4, $p5)
        """);

    private readonly PreparedCommand _delete =
        new(connection, "DELETE FROM activity WHERE device_id = $p0 AND module_id = $p1");

    public IReadOnlyList<StoredActivity> Load()
    {
        using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT device_id, module_id, generation_id, is_connected, changed_ticks, active_ticks FROM activity";
        using var row = command.ExecuteReader();
        List<StoredActivity> stored = [];
        while (row.Read())
        {
            var moduleId = row.GetString(1);
            stored.Add(new StoredActivity(
                row.GetString(0),
                moduleId.Length == 0 ? null : moduleId,
                row.GetString(2),
                row.GetInt64(3) != 0,
                Time(row, 4),
                Time(row, 5)));
        }
        return stored;
    }

    public void Put(in StoredActivity activity) => _put.Execute(
        activity.DeviceId,
        activity.ModuleId ?? "", // Part of the key, which holds no NULL.
        activity.GenerationId,
        activity.IsConnected ? 1L : 0L,
        activity.ChangedAt?.UtcTicks,
        activity.ActiveAt?.UtcTicks);

    public void Delete(string deviceId, string? moduleId) => _delete.Execute(deviceId, moduleId ?? "");

    public void Dispose()
    {
        _put.Dispose();
        _delete.Dispose();
    }

    private static DateTimeOffset? Time(SqliteDataReader row, int column) =>
        row.IsDBNull(column) ? null : new DateTimeOffset(row.GetInt64(column), TimeSpan.Zero);
}
