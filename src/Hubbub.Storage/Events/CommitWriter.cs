using Hubbub.Core;

namespace Hubbub.Storage.Events;

/// <summary>
/// The one who writes a partition: takes what has gathered, writes it as one batch, syncs once, publishes the new end,
/// and only then tells producers and readers. Runs on a thread of its own, or stepwise in tests.
/// </summary>
internal sealed class CommitWriter : IDisposable
{
    private readonly PartitionContext _context;
    private readonly CommitQueue _queue;
    private readonly SegmentWriter _segment;
    private readonly Action _published;
    private readonly AutoResetEvent _wake = new(false);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;
    private volatile bool _sealWanted;
    private volatile bool _rollWanted;
    private bool _isFull;
    private LogTail _tail;

    /// <param name="context">The partition's surroundings.</param>
    /// <param name="segment">Where to write.</param>
    /// <param name="tail">What recovery found.</param>
    /// <param name="published">Called after each commit that made events readable.</param>
    public CommitWriter(PartitionContext context, SegmentWriter segment, LogTail tail, Action published)
    {
        (_context, _segment, _tail, _published) = (context, segment, tail, published);
        _queue = new CommitQueue(context.Options, context.Partition, () => _wake.Set());
    }

    public CommitQueue Queue => _queue;

    /// <summary>What is readable: only what a sync has returned for.</summary>
    public LogTail Tail => Volatile.Read(ref _tail);

    /// <summary>Completes when the writer has ended.</summary>
    public Task Ended => _ended.Task;

    public void Start() =>
        new Thread(Run) { IsBackground = true, Name = $"event log partition {_context.Partition}" }.Start();

    /// <summary>Asks for an empty batch at the end; see <see cref="BatchHeader"/>.</summary>
    public void RequestSeal()
    {
        _sealWanted = true;
        _wake.Set();
    }

    /// <summary>Asks for a new segment, so that retention can remove this one when its time comes.</summary>
    public void RequestRoll()
    {
        _rollWanted = true;
        _wake.Set();
    }

    /// <summary>Commits what waits, seals the end and lets the thread go.</summary>
    public void RequestStop()
    {
        _queue.Close();
        _stopping = true;
        _wake.Set();
    }

    /// <summary>Ends without committing what waits: a write has failed somewhere.</summary>
    public void Abort()
    {
        _queue.Stop();
        _wake.Set();
    }

    /// <summary>The thread's body.</summary>
    public void Run()
    {
        while (!_context.Failure.IsFailed)
        {
            if (CommitOnce())
                continue;
            RunRequests();
            if (_stopping && _queue.IsIdle)
                break;
            _wake.WaitOne();
        }
        Finish();
    }

    /// <summary>Writes one commit; false when none waits.</summary>
    public bool CommitOnce()
    {
        if (_context.Failure.IsFailed || _queue.Take() is not { } buffer)
            return false;
        var error = Write(buffer);
        if (_context.Failure.IsFailed)
            return false;
        foreach (var producer in buffer.Producers)
        {
            try
            {
                producer.OnCommit(buffer.Commit, error);
            }
            catch (Exception bug)
            {
                _context.Observer.OnCallbackFailed(_context.Partition, bug);
            }
        }
        _queue.Recycle(buffer);
        if (error is null)
            _published();
        return true;
    }

    /// <summary>Does what was asked for while no commit waited.</summary>
    public void RunRequests()
    {
        if (_rollWanted)
        {
            _rollWanted = false;
            if (_tail.End > _segment.Current.FirstBatch)
                TryRoll();
        }
        if (_sealWanted)
        {
            _sealWanted = false;
            Seal();
            _queue.Trim();
        }
    }

    /// <summary>Leaves the log so that the next start is quick.</summary>
    public void Finish()
    {
        try
        {
            if (!_context.Failure.IsFailed)
            {
                Seal();
                if (!_context.Failure.IsFailed)
                    _segment.Finish(_tail);
            }
            _segment.Dispose();
        }
        catch (IOException error)
        {
            _context.Observer.OnUpkeepFailed(_context.Partition, error);
        }
        _ended.TrySetResult();
    }

    public void Dispose() => _wake.Dispose();

    private HubError? Write(CommitBuffer buffer)
    {
        try
        {
            if (!_segment.Fits(_tail, buffer.Length))
                Roll(buffer.Length);
            var header = new BatchHeader
            {
                Crc = 0,
                Length = buffer.Length,
                EventCount = buffer.EventCount,
                Position = _tail.End,
                BaseSequence = _tail.NextSequence,
                EnqueuedTimeMs = Math.Max(_tail.LastTimeMs, _context.NowMs),
                PreviousCrc = _tail.LastCrc,
                LastEventOffset = buffer.LastEventOffset,
            };
            header = BatchHeader.Seal(buffer.Batch, _context.ChecksumSeed, header);
            _segment.Write(_tail, buffer.Batch);
            return Publish(header);
        }
        catch (Files.StorageFullException full)
        {
            SetFull(true);
            return new HubError(
                HubErrorCode.StorageFull,
                $"Partition {_context.Partition} has no room for {buffer.EventCount} events: {full.Message}; " +
                "free space or shorten the retention, then send again");
        }
#pragma warning disable CA1031 // Whatever went wrong: what the disk holds is unknown from here on.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Fail(error);
            return null;
        }
    }

    private HubError? Publish(in BatchHeader header)
    {
        // Another partition's failed sync says that the device is failing: no acknowledgement after it.
        if (_context.Failure.IsFailed)
            return null;
        _segment.Index.Add(header);
        Volatile.Write(ref _tail, _tail.After(header));
        SetFull(false);
        return null;
    }

    private void Seal()
    {
        if (_tail.IsSealed || _context.Failure.IsFailed)
            return;
        Span<byte> batch = stackalloc byte[BatchHeader.Size];
        var header = BatchHeader.Seal(batch, _context.ChecksumSeed, new BatchHeader
        {
            Crc = 0,
            Length = BatchHeader.Size,
            EventCount = 0,
            Position = _tail.End,
            BaseSequence = _tail.NextSequence,
            EnqueuedTimeMs = _tail.LastTimeMs,
            PreviousCrc = _tail.LastCrc,
            LastEventOffset = 0,
        });
        try
        {
            _segment.Write(_tail, batch);
            Volatile.Write(ref _tail, _tail.After(header));
        }
        catch (Files.StorageFullException)
        {
            SetFull(true);
        }
#pragma warning disable CA1031 // As in Write.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Fail(error);
        }
    }

    private void Roll(int batchLength)
    {
        _segment.Roll(_tail, batchLength, out var tail);
        Volatile.Write(ref _tail, tail);
    }

    private void TryRoll()
    {
        try
        {
            Roll(0);
        }
        catch (Files.StorageFullException)
        {
            // Nothing was refused; it is tried again at the next interval.
        }
#pragma warning disable CA1031 // As in Write.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Fail(error);
        }
    }

    private void SetFull(bool isFull)
    {
        if (_isFull == isFull)
            return;
        _isFull = isFull;
        _context.Observer.OnStorageFull(_context.Partition, isFull);
    }

    private void Fail(Exception error) =>
        _context.Failure.Fail($"Partition {_context.Partition} could not write its events: {error.Message}", error);
}
