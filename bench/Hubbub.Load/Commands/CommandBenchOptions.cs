namespace Hubbub.Load.Commands;

/// <summary>What <c>commands</c> runs.</summary>
/// <param name="Hub">The built <c>hubbub</c>.</param>
/// <param name="Data">An empty directory on the disk that is to be measured.</param>
/// <param name="Only">One part alone; null for all of them.</param>
/// <param name="Seconds">How long the rate is measured.</param>
internal sealed record CommandBenchOptions(string Hub, string Data, string? Only, int Seconds)
{
    public static CommandBenchOptions Parse(string[] args)
    {
        string? hub = null, data = null, only = null;
        var seconds = 10;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--hub": hub = args[++i]; break;
                case "--data": data = args[++i]; break;
                case "--only": only = args[++i]; break;
                case "--seconds": seconds = int.Parse(args[++i]); break;
                default: throw new ArgumentException($"Unknown option {args[i]}.");
            }
        }
        return new CommandBenchOptions(
            hub ?? throw new ArgumentException("--hub PATH is missing."),
            data ?? throw new ArgumentException("--data DIR is missing."),
            only,
            seconds);
    }

    public bool Wants(string part) => Only is null || Only == part;
}
