using Hubbub.Core.Routing.Dispatch;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>How far each custom endpoint has come. Used on the writer's thread only.</summary>
internal sealed class EndpointPositionTable(SqliteConnection connection) : IDisposable
{
    private readonly PreparedCommand _put = new(
        connection, "INSERT OR REPLACE INTO endpoint_position (endpoint, sequence, sink_state) VALUES ($p0, $p1, $p2)");

    private readonly PreparedCommand _delete =
        new(connection, "DELETE FROM endpoint_position WHERE endpoint = $p0");

    public EndpointPosition? Load(string endpoint)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT sequence, sink_state FROM endpoint_position WHERE endpoint = $endpoint";
        command.Parameters.AddWithValue("$endpoint", endpoint);
        using var row = command.ExecuteReader();
        return row.Read() ? new EndpointPosition(row.GetInt64(0), row.IsDBNull(1) ? null : row.GetString(1)) : null;
    }

    public void Put(string endpoint, EndpointPosition position) =>
        _put.Execute(endpoint, position.SequenceNumber, position.SinkState);

    public void Delete(string endpoint) => _delete.Execute(endpoint);

    public void Dispose()
    {
        _put.Dispose();
        _delete.Dispose();
    }
}
