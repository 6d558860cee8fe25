using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Hubbub.Storage.State;

/// <summary>
/// A prepared statement without the layers above it: for what is done a million times. Parameters and columns are
/// counted as SQLite does, parameters from 1 and columns from 0. Used on the writer's thread only.
/// </summary>
internal sealed partial class RawStatement(SqliteConnection connection, string sql) : IDisposable
{
    private sqlite3_stmt? _statement;
    private nint _row; // The statement as the engine knows it.

    private sqlite3_stmt Statement
    {
        get
        {
            if (_statement is null)
            {
                Check(raw.sqlite3_prepare_v2(connection.Handle!, sql, out _statement));
                _row = _statement.DangerousGetHandle();
            }
            return _statement;
        }
    }

    public void Bind(int parameter, long? value) => Check(value is { } number
        ? raw.sqlite3_bind_int64(Statement, parameter, number)
        : raw.sqlite3_bind_null(Statement, parameter));

    /// <summary>Empty means NULL.</summary>
    public void Bind(int parameter, string? text) => Check(string.IsNullOrEmpty(text)
        ? raw.sqlite3_bind_null(Statement, parameter)
        : raw.sqlite3_bind_text(Statement, parameter, text));

    /// <summary>Empty means NULL.</summary>
    public void Bind(int parameter, ReadOnlySpan<byte> blob) => Check(blob.IsEmpty
        ? raw.sqlite3_bind_null(Statement, parameter)
        : raw.sqlite3_bind_blob(Statement, parameter, blob));

    /// <summary>Goes to the next row; false when there is none, and the statement can be used anew.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // A start is over before the JIT would do it by itself.
    public bool Step()
    {
        var code = raw.sqlite3_step(Statement);
        if (code == raw.SQLITE_ROW)
            return true;
        raw.sqlite3_reset(Statement);
        if (code != raw.SQLITE_DONE)
            Check(code);
        return false;
    }

    /// <summary>Runs a statement that gives no rows.</summary>
    public void Execute()
    {
        while (Step())
        {
        }
    }

    public long Int64(int column) => ColumnInt64(_row, column);

    /// <summary>The bytes of a text or blob, valid until the next step; empty for NULL.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe ReadOnlySpan<byte> Bytes(int column)
    {
        var bytes = ColumnBlob(_row, column); // First: it may convert, and so change the length.
        return new ReadOnlySpan<byte>(bytes, ColumnBytes(_row, column));
    }

    /// <summary>A text; null for NULL.</summary>
    public string? Text(int column) => raw.sqlite3_column_type(Statement, column) == raw.SQLITE_NULL
        ? null
        : Encoding.UTF8.GetString(Bytes(column));

    public void Dispose() => _statement?.Dispose();

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
            SqliteException.ThrowExceptionForRC(code, connection.Handle);
    }

    // The wrappers of these three cost more than they do, and a start reads ten million columns. They neither block nor
    // call back, so the runtime need not prepare for that either.
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_column_int64"), SuppressGCTransition]
    private static partial long ColumnInt64(nint statement, int column);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_column_blob"), SuppressGCTransition]
    private static unsafe partial byte* ColumnBlob(nint statement, int column);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_column_bytes"), SuppressGCTransition]
    private static partial int ColumnBytes(nint statement, int column);
}
