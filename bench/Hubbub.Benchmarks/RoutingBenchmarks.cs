using System.Text;
using System.Text.Json.Nodes;
using BenchmarkDotNet.Attributes;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Query;
using Hubbub.Server.Routing;

namespace Hubbub.Benchmarks;

/// <summary>Deciding where a message goes: one condition, and 20 routes as a hub evaluates them at ingest.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
public class RoutingBenchmarks
{
    private readonly TelemetrySender _sender = new(TimeProvider.System, "pump-17", null, "638", "{}", null);
    private readonly RouteMemo _memo = new();
    private readonly RouteMemo _noMemo = new();
    private readonly MessageSections _message;
    private readonly MessageSections _json;
    private readonly Condition _condition = Parse("temperatureAlert = 'true'");
    private readonly Condition _number = Parse("as_number(sequence) > 1000 and building = '43'");
    private readonly Condition _path = Parse("$body.sensor12.value > 30");
    private readonly RouteTable _properties;
    private readonly RouteTable _propertiesAndSender;
    private readonly RouteTable _bodies;

    public RoutingBenchmarks()
    {
        _message = Message(new byte[256]);
        var body = new JsonObject();
        for (var i = 0; body.ToJsonString().Length < 980; i++)
            body[$"sensor{i}"] = new JsonObject { ["value"] = i * 1.5, ["unit"] = "C", ["ok"] = i % 2 == 0 };
        _json = Message(Encoding.UTF8.GetBytes(body.ToJsonString()));
        _properties = Table(PropertyCondition);
        // What depends on the sender is remembered for the sender alone, and can be forgotten.
        _propertiesAndSender = Table(i => i == 0 ? "$connectionDeviceId = 'other'" : PropertyCondition(i));
        _bodies = Table(i => $"$body.sensor{i % 20}.value > {i * 2} and $body.sensor{i % 20}.ok");
    }

    [Benchmark]
    public TriState OnePropertyCondition() => Evaluate(_condition, in _message);

    [Benchmark]
    public TriState OneNumberCondition() => Evaluate(_number, in _message);

    [Benchmark]
    public TriState OneBodyConditionOn1KiB() => Evaluate(_path, in _json);

    [Benchmark]
    public ulong TwentyPropertyRoutesSameProperties() => Match(_properties, in _message, _memo);

    [Benchmark]
    public ulong TwentyPropertyRoutesNewProperties()
    {
        _noMemo.Clear();
        return Match(_propertiesAndSender, in _message, _noMemo);
    }

    [Benchmark]
    public ulong TwentyBodyRoutesOn1KiB() => Match(_bodies, in _json, _memo);

    private TriState Evaluate(Condition condition, ref readonly MessageSections sections)
    {
        var view = new TelemetryView(in sections, _sender);
        return condition.Evaluate(ref view);
    }

    private ulong Match(RouteTable table, ref readonly MessageSections sections, RouteMemo memo)
    {
        var view = new TelemetryView(in sections, _sender);
        return table.Match(ref view, memo);
    }

    private static string PropertyCondition(int i) => (i % 4) switch
    {
        0 => $"temperatureAlert = 'true' and building = '{i}'",
        1 => $"building = '{i}'",
        2 => $"as_number(sequence) > {i * 1000}",
        _ => $"starts_with(building, '{i}') or not is_defined(sequence)",
    };

    private static Condition Parse(string text) => Condition.Parse(text).Condition!;

    private static RouteTable Table(Func<int, string> condition) => RouteTable.Compile(new RoutingConfiguration
    {
        Routes = [.. Enumerable.Range(0, 20).Select(i => new Route($"r{i}", RouteSource.DeviceMessages, condition(i), "events"))],
    }).Value;

    private static MessageSections Message(byte[] body)
    {
        var bytes = new OutgoingMessage
        {
            Properties = new Properties
            {
                MessageId = AmqpValue.From("5e7ccf0e-3f2b-4c31-9a52-8a6f0a6c2f10"),
                ContentType = "application/json",
                ContentEncoding = "utf-8",
            },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                .Add("temperatureAlert", "false").Add("building", "43").Add("sequence", "1234").Build(),
            Data = body,
        }.ToArray();
        _ = MessageSections.TryRead(bytes, SectionOrder.Strict, out var sections, out _);
        return sections;
    }
}
