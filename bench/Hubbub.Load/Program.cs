using Hubbub.Load;
using Hubbub.Load.Commands;
using Hubbub.Load.Routing;

// The end-to-end load program. It starts what it measures, one thing at a time, and prints a table in Markdown.
return args switch
{
    ["baseline", var port] => await Baseline.RunAsync(int.Parse(port)),
    ["touch", var gibibytes] => MemoryTouch.Run(int.Parse(gibibytes)),
    ["disk", var directory] => DiskProbe.Run(directory),
    ["compare", .. var rest] => await Comparison.RunAsync(CompareOptions.Parse(rest)),
    ["commands", .. var rest] => await CommandBench.RunAsync(CommandBenchOptions.Parse(rest)),
    ["identities", "--hub", var hub, "--data", var data, .. var rest] => await Identities.RunAsync(hub, data, rest),
    ["routing", "--hub", var hub, "--data", var data] => await RoutingBench.RunAsync(hub, data),
    ["clients", .. var rest] => await ClientComparison.RunAsync(CompareOptions.Parse(rest)),
    ["client", var client, var connections, var messages, var port, var caFile] =>
        await ClientLoad.RunAsync(client, int.Parse(connections), int.Parse(messages), int.Parse(port), caFile),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine(
        """
        usage: Hubbub.Load compare --hub PATH --amqpload PATH --data DIR [--messages N] [--quick]
               Hubbub.Load identities --hub PATH --data DIR [--count N]
               Hubbub.Load clients --hub PATH --amqpload PATH --data DIR [--messages N] [--quick]
               Hubbub.Load client hubbub|netlite|reader[:PARTITION] CONNECTIONS MESSAGES PORT CAFILE    the key comes by standard input
               Hubbub.Load baseline PORT     AMQPNetLite's ContainerHost, which accepts and stores nothing
               Hubbub.Load commands --hub PATH --data DIR [--only latency|rate|backlog] [--seconds N]
               Hubbub.Load routing --hub PATH --data DIR
               Hubbub.Load touch GIB         touches memory that the machine has not used yet
               Hubbub.Load disk DIR          p50 and p99 of a 4 KiB append with fdatasync
        """);
    return 2;
}
