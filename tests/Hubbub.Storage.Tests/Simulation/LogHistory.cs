using System.Globalization;
using System.Text;
using Hubbub.Core;
using Hubbub.Core.Events;
using Hubbub.Storage.Tests.Events;

namespace Hubbub.Storage.Tests.Simulation;

/// <summary>
/// What a partition was sent and what it acknowledged, and the check of what it holds: every acknowledged event once,
/// in order, under its number; of what was not acknowledged at most the one commit under way, whole; nothing else.
/// </summary>
internal sealed class LogHistory
{
    private readonly SortedDictionary<long, List<string>> _open = [];
    private readonly List<string> _bySequence = [];
    private readonly Dictionary<long, long> _offsets = [];
    private long _noted = -1;
    private int _sent;

    public LogHistory() => Producer = new HistoryProducer(this);

    public EventProducer Producer { get; private set; }

    public int AcknowledgedCount => _bySequence.Count;

    public int RefusedCount { get; private set; }

    public HubResult<long> Append(IEventPartition partition, Random random, int sizeMax)
    {
        if (random.Next(4) > 0)
        {
            var text = NextText(random, sizeMax);
            return Note(partition.Append(Producer, [], 0, Encoding.Latin1.GetBytes(text)), [text]);
        }
        var batch = new EventBatch();
        var texts = new List<string>();
        for (var i = random.Next(1, 8); i > 0; i--)
        {
            texts.Add(NextText(random, sizeMax / 4));
            batch.Add([], 0, Encoding.Latin1.GetBytes(texts[^1]));
        }
        return Note(partition.Append(Producer, batch), texts);
    }

    /// <summary>The process ended: what is in memory is gone, and with it the producer.</summary>
    public void ForgetProducer() => Producer = new HistoryProducer(this);

    /// <summary>
    /// Compares the partition with the history; after a restart one more commit may have become durable.
    /// </summary>
    public void Check(IEventPartition partition, string context)
    {
        var state = partition.State;
        var read = partition.ReadAll();
        var begin = state.IsEmpty ? state.LastSequenceNumber + 1 : state.BeginSequenceNumber;
        AdoptCommitUnderWay(read, begin, context);
        _open.Clear();
        Assert.True(
            _bySequence.Count == state.LastSequenceNumber + 1,
            $"{context}: {_bySequence.Count} acknowledged, but the last number is {state.LastSequenceNumber}");
        Assert.True(read.Count == _bySequence.Count - begin, $"{context}: read {read.Count} from {begin} on");
        long timeMs = 0;
        for (var i = 0; i < read.Count; i++)
        {
            var sequence = begin + i;
            Assert.True(read[i].Sequence == sequence, $"{context}: number {read[i].Sequence} where {sequence} belongs");
            Assert.True(
                read[i].Sections == _bySequence[(int)sequence]
                && read[i].Offset == _offsets.GetValueOrDefault(sequence, read[i].Offset)
                && (i == 0 || read[i].Offset > read[i - 1].Offset),
                $"{context}: event {sequence} is not what was acknowledged");
            Assert.True(read[i].TimeMs >= timeMs, $"{context}: event {sequence} is older than the one before it");
            timeMs = read[i].TimeMs;
        }
    }

    /// <summary>Learns the offsets of newly acknowledged events, which must never change again.</summary>
    public void NoteOffsets(IEventPartition partition)
    {
        foreach (var read in partition.ReadAll(new EventPosition(EventPositionKind.SequenceNumber, _noted)))
        {
            _offsets[read.Sequence] = read.Offset;
            _noted = read.Sequence;
        }
    }

    private void AdoptCommitUnderWay(List<ReadEvent> read, long begin, string context)
    {
        var known = (int)(_bySequence.Count - begin);
        if (read.Count <= known)
            return;
        Assert.True(_open.Count > 0, $"{context}: {read.Count - known} events more than were acknowledged");
        var underWay = _open.First().Value;
        Assert.True(
            read.Count - known == underWay.Count,
            $"{context}: {read.Count - known} of a commit's {underWay.Count} events");
        _bySequence.AddRange(underWay);
    }

    private HubResult<long> Note(HubResult<long> result, List<string> texts)
    {
        if (!result.IsOk)
            return result;
        if (!_open.TryGetValue(result.Value, out var commit))
            _open.Add(result.Value, commit = []);
        commit.AddRange(texts);
        return result;
    }

    private string NextText(Random random, int sizeMax)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"event {_sent++} "));
        // Senders may put anything into a message, also what looks like the log's own marks.
        if (random.Next(8) == 0)
            text.Append("HuBHHuBH");
        return text.Append((char)('a' + _sent % 26), random.Next(sizeMax)).ToString();
    }

    private void OnCommit(long commit, HubError? error)
    {
        Assert.True(_open.Remove(commit, out var texts), $"Commit {commit} ended twice");
        if (error is null)
            _bySequence.AddRange(texts!);
        else
            RefusedCount += texts!.Count;
    }

    private sealed class HistoryProducer(LogHistory history) : EventProducer
    {
        public override void OnCommit(long commit, HubError? error)
        {
            if (ReferenceEquals(history.Producer, this))
                history.OnCommit(commit, error);
        }
    }
}
