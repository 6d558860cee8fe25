using System.Globalization;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Query;
using Hubbub.Server.Routing;

namespace Hubbub.Server.Tests.Routing;

/// <summary>What is remembered of messages is never told of another message, or by other routes.</summary>
public sealed class RouteCacheTests
{
    private static readonly TelemetrySender Sender = new(TimeProvider.System, "d1", null, "g", "{}", null);

    [Fact]
    public void Match_OfManyMessagesAndTables_IsWhatTheConditionsSay()
    {
        // More combinations than the cache has places, in few and in many bytes, so that entries push each other out.
        var tables = Enumerable.Range(0, 3).Select(shift => Table(number => $"as_number(n) = {number + shift}")).ToArray();
        // Asking for the sender keeps a table out of the cache.
        var uncached = Enumerable.Range(0, 3).Select(shift => Table(
            number => $"as_number(n) = {number + shift} AND $connectionDeviceId = 'd1'")).ToArray();
        var random = new Random(5);
        for (var i = 0; i < 20_000; i++)
        {
            var (number, length, table) = (random.Next(40), random.Next(30) == 0 ? 400 : random.Next(20), random.Next(3));
            var message = Message(number, length);

            var expected = Match(uncached[table], message);

            Assert.Equal(expected, Match(tables[table], message));
            Assert.Equal(expected, Match(tables[table], message));
        }
    }

    [Fact]
    public void Match_AfterManyDifferentMessages_StillTellsThemApart()
    {
        var table = Table(number => $"as_number(n) = {number}");
        for (var number = 0; number < 40_000; number++)
            Assert.Equal(number < 20 ? 1UL << (number + 1) : 1UL, Match(table, Message(number, 0)));
        Assert.Equal(1UL << 8, Match(table, Message(7, 0)));
    }

    private static ulong Match(RouteTable table, byte[] message)
    {
        Assert.True(MessageSections.TryRead(message, SectionOrder.Strict, out var sections, out _));
        var view = new TelemetryView(in sections, Sender);
        return table.Match(ref view, new RouteMemo());
    }

    private static RouteTable Table(Func<int, string> condition) => RouteTable.Compile(new RoutingConfiguration
    {
        Endpoints = [.. Enumerable.Range(0, 20).Select(number => new RouteEndpoint(
            $"e{number}", $"s{number}", default, EventStreamOptions.ForReaders))],
        Routes = [.. Enumerable.Range(0, 20).Select(number =>
            new Route($"r{number}", RouteSource.DeviceMessages, condition(number), $"e{number}"))],
    }).Value;

    private static byte[] Message(int number, int length) => new OutgoingMessage
    {
        ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
            .Add("n", number.ToString(CultureInfo.InvariantCulture)).Add("text", new string('x', length)).Build(),
        Data = new byte[1],
    }.ToArray();
}
