using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>A statement with the parameters <c>$p0</c>, <c>$p1</c>, ..., compiled at its first use and kept.</summary>
internal sealed class PreparedCommand(SqliteConnection connection, string sql) : IDisposable
{
    private SqliteCommand? _command;

    public void Execute(params ReadOnlySpan<object?> values) => With(values).ExecuteNonQuery();

    /// <summary>The first column of the first row; null when there is none, or when it is NULL.</summary>
    public object? Scalar(params ReadOnlySpan<object?> values) =>
        With(values).ExecuteScalar() is { } value and not DBNull ? value : null;

    public void Dispose() => _command?.Dispose();

    private SqliteCommand With(ReadOnlySpan<object?> values)
    {
        if (_command is null)
        {
            _command = connection.CreateCommand();
            _command.CommandText = sql;
            for (var i = 0; i < values.Length; i++)
                _command.Parameters.Add(new SqliteParameter { ParameterName = $"$p{i}" });
        }
        for (var i = 0; i < values.Length; i++)
            _command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return _command;
    }
}
