using System.Collections.Concurrent;
using Hubbub.Core;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Hubbub.Storage.State;

/// <summary>
/// The one thread that uses the database. Operations that wait at the same time share one transaction and so one sync;
/// each completes after that.
/// </summary>
internal sealed class StateWriter : IDisposable
{
    private const int Full = 13;

    private readonly SqliteConnection _connection;
    private readonly PreparedCommand _begin;
    private readonly PreparedCommand _commit;
    private readonly PreparedCommand _rollback;
    private readonly WriteAheadLog _log;
    private readonly BlockingCollection<Operation> _queue = new(StateLimits.QueueMax);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private volatile StateStoreException? _failure;

    public StateWriter(SqliteConnection connection)
    {
        _connection = connection;
        _begin = new PreparedCommand(connection, "BEGIN IMMEDIATE");
        _commit = new PreparedCommand(connection, "COMMIT");
        _rollback = new PreparedCommand(connection, "ROLLBACK");
        _log = new WriteAheadLog(connection);
        _thread = new Thread(Run) { Name = "hubbub state", IsBackground = true };
        _thread.Start();
    }

    /// <summary>
    /// Completes when the writer was disposed; faults when the database failed and nothing can be stored any more.
    /// </summary>
    public Task Ended => _ended.Task;

    /// <summary>Runs <paramref name="work"/> in a transaction.</summary>
    /// <returns>Null when the transaction is on stable storage, else why it was rolled back.</returns>
    /// <exception cref="StateStoreException">The database failed; nothing can be stored any more.</exception>
    public async ValueTask<HubError?> RunAsync(Action work, CancellationToken cancellationToken)
    {
        // Cancellation ends here: once queued, an operation may commit, and its caller must learn that it did.
        cancellationToken.ThrowIfCancellationRequested();
        if (_failure is { } failure)
            throw new StateStoreException(failure.Message, failure);
        var operation = new Operation(work);
        try
        {
            if (!_queue.TryAdd(operation, 0, CancellationToken.None))
                return new HubError(HubErrorCode.ServiceUnavailable, "Too many changes wait to be stored; try later.");
        }
        catch (InvalidOperationException)
        {
            throw new StateStoreException("The state store is closed.");
        }
        return await operation.Done.Task.ConfigureAwait(false);
    }

    /// <summary>Takes no more, commits what was queued, and returns when the thread has ended.</summary>
    public void Finish()
    {
        _queue.CompleteAdding();
        _thread.Join();
    }

    public void Dispose()
    {
        Finish();
        _queue.Dispose();
        _begin.Dispose();
        _commit.Dispose();
        _rollback.Dispose();
        _connection.Dispose();
    }

    private void Run()
    {
        var group = new List<Operation>();
        while (!_queue.IsCompleted)
        {
            if (!_queue.TryTake(out var first, StateLimits.IdleMs))
            {
                Checkpoint(StateLimits.LogPagesIdleMin);
                continue;
            }
            group.Clear();
            group.Add(first);
            while (group.Count < StateLimits.GroupMax && _queue.TryTake(out var next))
                group.Add(next);
            Commit(group);
            Checkpoint(StateLimits.LogPagesMax);
        }
        _ended.TrySetResult();
    }

    private void Checkpoint(int pagesMin)
    {
        if (_failure is not null)
            return;
        try
        {
            _log.CheckpointFrom(pagesMin);
        }
        catch (SqliteException e) when (!IsFatal(e.SqliteErrorCode))
        {
            // The disk is full: the log stays, and the next commit says so to whoever waits for it.
        }
        catch (SqliteException e)
        {
            End(e);
        }
    }

    private void Commit(List<Operation> group)
    {
        if (_failure is { } failure)
        {
            Fail(group, failure);
            return;
        }
        try
        {
            Transact(group);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == Full)
        {
            var error = new HubError(HubErrorCode.StorageFull, "The change was not stored: the disk is full.");
            foreach (var operation in group)
                operation.Done.SetResult(error);
            return;
        }
        catch (SqliteException e) when (IsFatal(e.SqliteErrorCode))
        {
            Fail(group, End(e));
            return;
        }
        catch (Exception e) when (group.Count == 1)
        {
            group[0].Done.SetException(e);
            return;
        }
        catch (Exception)
        {
            // One operation has a bug; alone, the others can do without it.
            foreach (var operation in group)
                Commit([operation]);
            return;
        }
        foreach (var operation in group)
            operation.Done.SetResult(null);
    }

    // What a failed write or sync left behind is unknown, so nothing is acknowledged after it.
    private StateStoreException End(SqliteException e)
    {
        var reason = new StateStoreException($"The database {_connection.DataSource} failed: {e.Message}.", e);
        _failure = reason;
        _ended.TrySetException(reason);
        return reason;
    }

    private void Transact(List<Operation> group)
    {
        // Plain statements rather than SqliteTransaction, which every command would have to be told of.
        _begin.Execute();
        try
        {
            foreach (var operation in group)
                operation.Work();
            _commit.Execute();
        }
        catch
        {
            // After some errors, a full disk among them, SQLite has rolled back by itself.
            if (raw.sqlite3_get_autocommit(_connection.Handle) == 0)
                _rollback.Execute();
            throw;
        }
    }

    /// <summary>
    /// Read-only, I/O error, corrupt, cannot open, not a database; all others are refusals of one statement.
    /// </summary>
    private static bool IsFatal(int code) => code is 8 or 10 or 11 or 14 or 26;

    private static void Fail(List<Operation> group, StateStoreException failure)
    {
        foreach (var operation in group)
            operation.Done.SetException(new StateStoreException(failure.Message, failure));
    }

    private sealed record Operation(Action Work)
    {
        public TaskCompletionSource<HubError?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
