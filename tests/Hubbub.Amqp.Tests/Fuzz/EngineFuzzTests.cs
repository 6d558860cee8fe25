using System.Diagnostics;
using System.Globalization;
using Hubbub.Amqp.Tests.Properties;

namespace Hubbub.Amqp.Tests.Fuzz;

/// <summary>
/// Streams of clients with bytes changed, cut, doubled and put in, and frames of one stream in another, from any frame
/// on and in chunks of any size. Nothing is thrown, nothing hangs, and no input costs more than its size allows.
/// HUBBUB_SEED replays a run; HUBBUB_MUTATIONS sets how many streams are tried.
/// </summary>
public sealed class EngineFuzzTests(ITestOutputHelper output)
{
    /// <summary>What the objects of a session and a link and their answers cost, which a few frames can ask for.</summary>
    private const int AllowanceBytes = 64 * 1_024;

    private const int BytesPerByteMax = 8;

    [Fact]
    public void Hub_FedWithDamagedStreams_StaysCleanAndCheap()
    {
        var seed = Number("HUBBUB_SEED") ?? Random.Shared.Next();
        var runs = Number("HUBBUB_MUTATIONS") ?? 10_000;
        output.WriteLine($"HUBBUB_SEED={seed}");
        var random = new Random(seed);
        List<List<byte[]>> corpus = [.. EngineCorpus.HandMade(), .. EngineCorpus.Recorded(1, 12)];
        var events = 0L;
        var worst = 0.0;
        for (var i = 0; i < runs; i++)
        {
            var stream = Damaged(corpus, random);
            try
            {
                events += Run(stream, random, ref worst);
            }
            catch (Exception)
            {
                output.WriteLine($"run {i}: {Convert.ToHexString(stream)}");
                throw;
            }
        }
        output.WriteLine($"{runs} streams, {events} events, at worst {worst:F1} times what is allowed");
        // Streams that all end at their first frame would prove nothing.
        Assert.True(events > runs * 5);
    }

    [Fact]
    public void Hub_FedWithTheCorpusItself_TakesAllOfIt()
    {
        foreach (var stream in EngineCorpus.HandMade())
        {
            var hub = new FuzzedHub(new Random(1), stream.Sum(f => f.Length));
            foreach (var frame in stream)
                hub.Feed(frame);
            Assert.True(hub.Events > 2);
        }
    }

    private static int Run(byte[] stream, Random random, ref double worst)
    {
        var hub = new FuzzedHub(random, stream.Length);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        for (var start = 0; start < stream.Length;)
        {
            var length = Math.Min(stream.Length - start, random.Next(3) == 0 ? random.Next(1, 30) : random.Next(1, 4_000));
            hub.Feed(stream.AsSpan(start, length));
            start += length;
            hub.Engine.NowMs += random.Next(200);
            hub.Engine.Tick();
        }
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var allowed = AllowanceBytes + ((long)BytesPerByteMax * stream.Length);
        worst = Math.Max(worst, (double)allocated / allowed);
        Assert.True(allocated <= allowed, $"{allocated} bytes were allocated for {stream.Length}");
        Assert.True(hub.Calls <= (2 * stream.Length) + 1_000, $"{hub.Calls} calls for {stream.Length} bytes");
        Assert.True(hub.OutputBytes <= 200_000 + (100L * stream.Length), $"{hub.OutputBytes} bytes went out");
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(5));
        hub.Check();
        return hub.Events;
    }

    /// <summary>Frames up to somewhere as they are, what follows damaged.</summary>
    private static byte[] Damaged(List<List<byte[]>> corpus, Random random)
    {
        var frames = corpus[random.Next(corpus.Count)];
        var whole = random.Next(frames.Count);
        // Much damage ends a stream at once; a little lets what it did work on.
        var every = random.Next(5, 80);
        var stream = new List<byte>();
        foreach (var frame in frames.Take(whole))
            stream.AddRange(frame);
        foreach (var frame in frames.Skip(whole))
        {
            switch (random.Next(every))
            {
                case 0:
                    stream.AddRange(Mutation.Of(frame, random));
                    break;
                case 1:
                    // Only the body, with a size that fits: what gets past the frame reader.
                    if (frame.Length > 8)
                        stream.AddRange(Engine.Frames.Frame(Mutation.Of(frame[8..], random), (ushort)random.Next(2)));
                    break;
                case 2:
                    var other = corpus[random.Next(corpus.Count)];
                    stream.AddRange(other[random.Next(other.Count)]);
                    break;
                case 3:
                    stream.AddRange(frame);
                    stream.AddRange(frame);
                    break;
                default:
                    stream.AddRange(frame);
                    break;
            }
        }
        return [.. stream];
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;
}
