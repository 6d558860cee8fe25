using System.Text;
using CsCheck;
using Hubbub.Core.Identities.Records;

namespace Hubbub.Core.Tests.Identities.Records;

/// <summary>The table of records against a dictionary, and its readers against its writer.</summary>
public sealed class RecordTableTests
{
    [Fact]
    public void Table_AfterAnyChanges_HoldsWhatADictionaryHolds()
    {
        // Few keys and large records, so that records are replaced, chunks emptied and slots used again.
        var changes = Gen.Select(Gen.Int[0, 40], Gen.Int[0, 9], Gen.Int[0, 2_000]).List[0, 400];
        changes.Sample(steps =>
        {
            var (table, model) = (new RecordTable(), new Dictionary<string, (int Number, int Length)>());
            var order = new SortedNumbers(table);
            foreach (var (key, kind, length) in steps)
                Change(table, order, model, $"d{key}", kind, length);
            Assert.Equal(model.Count, table.Count);
            foreach (var key in Enumerable.Range(0, 41).Select(i => $"d{i}"))
            {
                var record = table.Find(key, out var number);
                Assert.Equal(model.ContainsKey(key), !record.IsEmpty);
                if (model.TryGetValue(key, out var expected))
                    Assert.Equal((expected.Number, expected.Length), (number, new RecordReader(record).ReadField().Length));
            }
            Assert.Equal(model.Keys.Order(StringComparer.Ordinal), order.After([]).Select(n => KeyOf(table, n)));
            Assert.Equal(
                model.Keys.Order(StringComparer.Ordinal),
                new SortedNumbers(table).After([]).Select(n => KeyOf(table, n)));
        });
    }

    [Fact]
    public void Sort_OfIdsThatShareLongPrefixes_IsByBytes()
    {
        var ids = Gen.Select(Gen.Int[0, 30], Gen.String[Gen.Char["ab-"], 0, 4], (n, s) => new string('x', n) + s + "!");
        ids.List[0, 300].Sample(keys =>
        {
            var table = new RecordTable();
            string[] distinct = [.. keys.Distinct()];
            foreach (var key in distinct)
                table.Put(table.Reserve(), Build(key, 1));

            var sorted = new SortedNumbers(table);

            Assert.Equal(distinct.Order(StringComparer.Ordinal), sorted.After([]).Select(n => KeyOf(table, n)));
            foreach (var after in distinct.Take(3))
            {
                Assert.Equal(
                    distinct.Where(k => string.CompareOrdinal(k, after) > 0).Order(StringComparer.Ordinal),
                    sorted.After(Encoding.ASCII.GetBytes(after)).Select(n => KeyOf(table, n)));
            }
        });
    }

    [Fact]
    public async Task Readers_WhileRecordsAreReplacedMovedAndRemoved_NeverMissOneThatStays()
    {
        var table = new RecordTable();
        string[] staying = [.. Enumerable.Range(0, 500).Select(i => $"stay{i}")];
        var numbers = staying.ToDictionary(k => k, _ => table.Reserve());
        foreach (var key in staying)
            table.Put(numbers[key], Build(key, 100));
        using var end = new CancellationTokenSource();
        using var reading = new CountdownEvent(2);
        // Threads of their own: a busy pool could give them none before the writer is through.
        var readers = Enumerable.Range(0, 2).Select(seed => Task.Factory.StartNew(
            () =>
            {
                reading.Signal();
                var random = new Random(seed);
                do
                {
                    var key = staying[random.Next(staying.Length)];
                    var record = table.Find(key, out var number);
                    Assert.Equal(numbers[key], number);
                    Assert.True(RecordTable.KeyOf(record.Span).SequenceEqual(Encoding.ASCII.GetBytes(key)));
                    // Every byte of a record says the same; a torn one would not.
                    var field = new RecordReader(record).ReadField().Span;
                    Assert.False(field.ContainsAnyExcept(field[0]));
                }
                while (!end.IsCancellationRequested);
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToArray();
        reading.Wait(TestContext.Current.CancellationToken);

        var writes = new Random(7);
        for (var i = 0; i < 60_000; i++)
        {
            var key = staying[writes.Next(staying.Length)];
            table.Put(numbers[key], Build(key, writes.Next(1, 400), (byte)writes.Next()));
            var coming = table.Reserve();
            table.Put(coming, Build($"come{i}", 50));
            table.Remove(coming);
        }
        await end.CancelAsync();

        await Task.WhenAll(readers);
        Assert.Equal(staying.Length, table.Count);
    }

    [Fact]
    public void Load_OfANumberOrAKeyThatIsThere_SaysSo()
    {
        var table = new RecordTable();

        Assert.True(table.TryLoad(1, Build("a", 1)));
        Assert.True(table.TryLoad(4, Build("b", 1)));
        Assert.False(table.TryLoad(4, Build("c", 1)));
        Assert.False(table.TryLoad(3, Build("c", 1)));
        Assert.False(table.TryLoad(5, Build("a", 1)));

        int[] free = [.. Enumerable.Range(0, 4).Select(_ => table.Reserve())];
        Assert.Equal([0, 2, 3, 6], free.Order()); // 5 is lost with the store that is refused.
    }

    private static void Change(
        RecordTable table, SortedNumbers order, Dictionary<string, (int Number, int Length)> model, string key, int kind, int length)
    {
        var isThere = model.TryGetValue(key, out var current);
        switch (kind)
        {
            case < 7:
                var number = isThere ? current.Number : table.Reserve();
                table.Put(number, Build(key, length));
                if (!isThere)
                    order.Add(number);
                model[key] = (number, length);
                break;
            case 7:
                table.Release(table.Reserve());
                break;
            default:
                if (!isThere)
                    break;
                order.Remove(current.Number);
                table.Remove(current.Number);
                model.Remove(key);
                break;
        }
    }

    private static Span<byte> Build(string key, int length, byte fill = 1)
    {
        var writer = new RecordWriter(); // One for each: samples run on several threads.
        writer.Start(Encoding.ASCII.GetBytes(key), default);
        writer.WriteField([.. Enumerable.Repeat(fill, length)]);
        return writer.Record;
    }

    private static string KeyOf(RecordTable table, int number) =>
        Encoding.ASCII.GetString(RecordTable.KeyOf(table[number].Span));
}
