using System.IO.Pipelines;

namespace Hubbub.Client.Tests;

/// <summary>Two ends of a connection in memory.</summary>
internal sealed class PipePair
{
    private static readonly PipeOptions Options = new(useSynchronizationContext: false);

    public PipePair()
    {
        var up = new Pipe(Options);
        var down = new Pipe(Options);
        Client = new End(down.Reader, up.Writer);
        Server = new End(up.Reader, down.Writer);
    }

    public IDuplexPipe Client { get; }

    public IDuplexPipe Server { get; }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
