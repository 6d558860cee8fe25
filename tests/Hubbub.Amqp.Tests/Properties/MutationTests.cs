using System.Globalization;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Amqp.Tests.Codec;
using Hubbub.Amqp.Tests.Messages;
using Hubbub.Amqp.Tests.Spec;

namespace Hubbub.Amqp.Tests.Properties;

/// <summary>
/// Valid frames and messages with bytes changed, cut, doubled and put in. Whatever comes of it, reading ends in a value
/// or an <see cref="AmqpException"/>, and costs no more memory than the input's size allows.
/// HUBBUB_SEED replays a run; HUBBUB_MUTATIONS sets how many inputs are tried.
/// </summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    /// <summary>What an exception, its text and its stack trace may cost.</summary>
    private const int AllowanceBytes = 16 * 1024;

    [Fact]
    public void Performatives_Mutated_EndInValueOrAmqpException() => Run(
        [.. Corpus.Performatives],
        static bytes =>
        {
            var reader = new AmqpReader(bytes);
            var descriptor = reader.ReadDescriptor();
            Composites.ByDescriptor.GetValueOrDefault(descriptor)?.Read(reader.ReadEncodedValue().ToArray());
        },
        // The copy above, the strings of two bytes a character, and the objects.
        bytesPerByte: 32);

    [Fact]
    public void Values_Mutated_EndInValueOrAmqpException() => Run(
        [.. EncodedValues.All.Select(Wire.Bytes)],
        static bytes =>
        {
            var reader = new AmqpReader(bytes);
            var start = reader.Position;
            reader.SkipValue();
            _ = reader.Slice(start);
        },
        bytesPerByte: 8);

    [Fact]
    public void Views_OfUncheckedBytes_EndInValueOrAmqpException() => Run(
        [.. EncodedValues.All.Select(Wire.Bytes)],
        static bytes =>
        {
            var value = new AmqpValue(bytes);
            _ = value.ToString();
            value.TryGetInt64(out _);
            value.TryGetDescribed(out _, out _);
            value.TryGetString(out _, orSymbol: true);
            value.TextEquals("key");
            value.TryGetBinary(out _);
            if (value.AsMap() is { } map)
                map.TryGet("key", out _);
        },
        bytesPerByte: 32);

    [Fact]
    public void Messages_Mutated_AreTakenOrRefusedAndReadWithoutThrowing()
    {
        Run(
            [.. Corpus.Messages],
            static bytes =>
            {
                foreach (var order in Enum.GetValues<SectionOrder>())
                {
                    if (!MessageSections.TryRead(bytes, order, out var sections, out _))
                        continue;
                    // What was taken must be readable: nothing below may throw, not even an AmqpException.
                    try
                    {
                        ReadAll(sections);
                    }
                    catch (AmqpException exception)
                    {
                        throw new InvalidOperationException("A message was taken and cannot be read", exception);
                    }
                }
            },
            bytesPerByte: 64);
    }

    [Fact]
    public void Messages_Mutated_AreLocatedWhereTheyAreRead() => Run(
        [.. Corpus.Messages],
        static bytes =>
        {
            if (!MessageSections.TryLocate(bytes, out var located))
                return;
            if (MessageSections.TryRead(bytes, SectionOrder.Lenient, out _, out _))
                SectionLocatorTests.AssertSame(bytes, located);
            ReadAll(located);
        },
        bytesPerByte: 64);

    private static void ReadAll(MessageSections sections)
    {
        sections.ReadHeader();
        sections.ReadProperties();
        _ = sections.BareMessage;
        _ = sections.Value?.ToString();
        foreach (var payload in sections.Data)
            _ = payload.Length;
        sections.DeliveryAnnotations?.TryGet("key", out _);
        sections.MessageAnnotations?.TryGet("key", out _);
        sections.ApplicationProperties?.TryGet("key", out _);
        sections.Footer?.TryGet("key", out _);
    }

    private void Run(List<byte[]> corpus, Action<byte[]> read, int bytesPerByte)
    {
        var seed = Number("HUBBUB_SEED") ?? Random.Shared.Next();
        var rounds = Number("HUBBUB_MUTATIONS") ?? 20_000;
        output.WriteLine($"HUBBUB_SEED={seed}");
        var random = new Random(seed);
        foreach (var bytes in corpus)
            read(bytes);
        for (var round = 0; round < rounds; round++)
        {
            var bytes = Mutation.Of(corpus[random.Next(corpus.Count)], random);
            var allocated = Wire.AllocatedBytes(() =>
            {
                try
                {
                    read(bytes);
                }
                catch (AmqpException)
                {
                    // As it should be.
                }
                catch (Exception exception)
                {
                    Assert.Fail($"seed {seed}, round {round}, {Convert.ToHexStringLower(bytes)}: {exception}");
                }
            });
            Assert.True(
                allocated <= AllowanceBytes + ((long)bytesPerByte * bytes.Length),
                $"seed {seed}, round {round}: {allocated} bytes for {Convert.ToHexStringLower(bytes)}");
        }
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
