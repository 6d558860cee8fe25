using Confluent.Kafka;
using Hubbub.Core.Routing.Dispatch;

namespace Hubbub.Kafka;

/// <summary>The reports of the records of one delivery. Reports come on the client's own thread.</summary>
internal sealed class KafkaBatch
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _count;
    private int _missing;
    private int _firstFailure;
    private Error? _error;

    public KafkaBatch(int count) => _count = _missing = _firstFailure = count;

    /// <summary>Completes when every record was reported.</summary>
    public Task Done => _done.Task;

    /// <summary>The client has to be made anew: it takes no more records.</summary>
    public bool IsFatal { get; private set; }

    /// <summary>What to give the client as a record's report.</summary>
    /// <param name="index">The record's place in the delivery.</param>
    public Action<DeliveryReport<byte[]?, byte[]>> Report(int index) => report => Report(index, report.Error);

    /// <summary>Notes a record's end.</summary>
    public void Report(int index, Error error)
    {
        lock (_done)
        {
            if (error.IsError && index < _firstFailure)
                (_firstFailure, _error) = (index, error);
            IsFatal |= error.IsFatal;
            if (--_missing == 0)
                _done.TrySetResult();
        }
    }

    /// <summary>What became of the delivery: what stands behind the first failure is sent again.</summary>
    public SinkResult Result()
    {
        lock (_done)
        {
            if (_error is not { } error)
                return SinkResult.Done(_count);
            var reason = $"Kafka: {error.Reason} ({error.Code}).";
            return error.Code is ErrorCode.MsgSizeTooLarge or ErrorCode.InvalidMsg or ErrorCode.InvalidMsgSize
                or ErrorCode.InvalidRecord or ErrorCode.InvalidTimestamp or ErrorCode.PolicyViolation
                ? SinkResult.Refuse(reason, refused: 1, delivered: _firstFailure)
                : SinkResult.Retry(reason, delivered: _firstFailure);
        }
    }
}
