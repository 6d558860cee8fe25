using System.IO.Pipelines;

namespace Hubbub.Client.Tests;

/// <summary>One end of a connection whose output can vanish: a black hole in one direction.</summary>
internal sealed class SwallowingPipe(IDuplexPipe inner) : IDuplexPipe
{
    private readonly SwallowingWriter _output = new(inner.Output);

    public PipeReader Input => inner.Input;

    public PipeWriter Output => _output;

    public void Swallow() => _output.IsHole = true;

    private sealed class SwallowingWriter(PipeWriter inner) : PipeWriter
    {
        private volatile bool _isHole;

        public bool IsHole
        {
            set => _isHole = value;
        }

        public override ValueTask<FlushResult> WriteAsync(
            ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
            _isHole ? new(new FlushResult(false, false)) : inner.WriteAsync(source, cancellationToken);

        public override void Advance(int bytes) => inner.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        // The end of a connection in a hole is not seen either.
        public override void Complete(Exception? exception = null)
        {
            if (!_isHole)
                inner.Complete(exception);
        }
    }
}
