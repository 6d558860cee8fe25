if (args is ["log", .. var rest])
    return Hubbub.Benchmarks.EventLogBenchmarks.Run(rest);
return 0;
