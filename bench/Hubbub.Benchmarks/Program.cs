// The event log on a real disk: dotnet run -c Release --project bench/Hubbub.Benchmarks -- log
// The codec: dotnet run -c Release --project bench/Hubbub.Benchmarks -- --filter '*Codec*' '*Message*' --job short
// The AMQP engine: dotnet run -c Release --project bench/Hubbub.Benchmarks -- engine
using BenchmarkDotNet.Running;

if (args is ["log", .. var rest])
    return Hubbub.Benchmarks.EventLogBenchmarks.Run(rest);
if (args is ["engine"])
    return Hubbub.Benchmarks.EngineBenchmarks.Run();
BenchmarkSwitcher.FromAssembly(typeof(Hubbub.Benchmarks.CodecReadBenchmarks).Assembly).Run(args);
return 0;
