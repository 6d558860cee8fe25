namespace Hubbub.Load;

/// <summary>What <c>compare</c> runs.</summary>
/// <param name="Hub">The built <c>hubbub</c>.</param>
/// <param name="Referee">The built load generator (amqpload).</param>
/// <param name="Data">An empty directory on the disk that is to be measured.</param>
/// <param name="Messages">Messages in each throughput run.</param>
/// <param name="Rounds">How often each run is repeated; the median counts.</param>
internal sealed record CompareOptions(string Hub, string Referee, string Data, int Messages, int Rounds)
{
    public static CompareOptions Parse(string[] args)
    {
        string? hub = null, referee = null, data = null;
        var (messages, rounds) = (1_000_000, 3);
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--hub": hub = args[++i]; break;
                case "--amqpload": referee = args[++i]; break;
                case "--data": data = args[++i]; break;
                case "--messages": messages = int.Parse(args[++i]); break;
                case "--quick": (messages, rounds) = (200_000, 1); break;
                default: throw new ArgumentException($"Unknown option {args[i]}.");
            }
        }
        return new CompareOptions(
            hub ?? throw new ArgumentException("--hub PATH is missing."),
            referee ?? throw new ArgumentException("--amqpload PATH is missing."),
            data ?? throw new ArgumentException("--data DIR is missing."),
            messages,
            rounds);
    }
}
