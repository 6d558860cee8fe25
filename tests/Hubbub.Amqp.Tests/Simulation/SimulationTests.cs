using System.Globalization;

namespace Hubbub.Amqp.Tests.Simulation;

/// <summary>
/// Two engines under a seeded scheduler. HUBBUB_SEED replays one run; HUBBUB_SIMULATIONS sets how many are tried.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Steps = 1_500;

    [Fact]
    public void TwoEngines_UnderAnySchedule_DeliverAndSettleEverythingOnce()
    {
        var first = Number("HUBBUB_SEED") ?? Random.Shared.Next();
        var runs = Number("HUBBUB_SEED") is null ? Number("HUBBUB_SIMULATIONS") ?? 50 : 1;
        var messages = 0L;
        for (var i = 0; i < runs; i++)
        {
            var seed = unchecked(first + i);
            try
            {
                var simulation = new PairSimulation(seed);
                simulation.Run(Steps);
                messages += simulation.MessagesReceived;
            }
            catch (Exception)
            {
                output.WriteLine($"HUBBUB_SEED={seed}");
                throw;
            }
        }
        output.WriteLine($"HUBBUB_SEED={first}: {runs} runs, {messages} messages");
        // A simulation in which nothing happens would pass as well.
        Assert.True(messages > runs * 50);
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;
}
