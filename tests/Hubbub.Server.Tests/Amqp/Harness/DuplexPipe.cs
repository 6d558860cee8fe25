using System.Buffers;
using System.IO.Pipelines;

namespace Hubbub.Server.Tests.Amqp.Harness;

/// <summary>One end of a connection in memory.</summary>
internal sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input => input;

    public PipeWriter Output => output;

    /// <summary>
    /// Two ends. What the peer writes is never held up; the hub's output is, at <paramref name="toPeerBytesMax"/>.
    /// </summary>
    public static (DuplexPipe Hub, DuplexPipe Peer) CreatePair(int toPeerBytesMax, MemoryPool<byte>? pool = null)
    {
        var toHub = new Pipe(new PipeOptions(pool, pauseWriterThreshold: 0, useSynchronizationContext: false));
        var toPeer = new Pipe(new PipeOptions(
            pool,
            pauseWriterThreshold: toPeerBytesMax,
            resumeWriterThreshold: toPeerBytesMax / 2,
            useSynchronizationContext: false));
        return (new DuplexPipe(toHub.Reader, toPeer.Writer), new DuplexPipe(toPeer.Reader, toHub.Writer));
    }
}
