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

    // A million of them are read at a start.
    private readonly RawStatement _load = new(connection, """
        SELECT device_id, module_id, generation_id, is_connected, changed_ticks, active_ticks FROM activity
        WHERE (device_id, module_id) > (coalesce(?, ''), coalesce(?, '')) ORDER BY device_id, module_id LIMIT ?
        """);

    public IReadOnlyList<StoredActivity> Load(StoredActivity? after, int countMax)
    {
        _load.Bind(1, after?.DeviceId);
        _load.Bind(2, after?.ModuleId);
        _load.Bind(3, countMax);
        List<StoredActivity> stored = [];
        while (_load.Step())
        {
            stored.Add(new StoredActivity(
                _load.Text(0)!,
                _load.Text(1) is { Length: > 0 } moduleId ? moduleId : null,
                _load.Text(2)!,
                _load.Int64(3) != 0,
                Time(_load.Int64(4)),
                Time(_load.Int64(5))));
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
        _load.Dispose();
    }

    // NULL is read as 0, and nobody was heard of in the year 1.
    private static DateTimeOffset? Time(long ticks) => ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero);
}
