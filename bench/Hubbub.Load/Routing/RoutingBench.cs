using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Hubbub.Amqp.Codec;
using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Performatives;
using Hubbub.Load.Commands;

namespace Hubbub.Load.Routing;

/// <summary>
/// Measures what routes cost at ingest: the same devices and messages without routes, with twenty conditions on
/// properties, and with twenty on the body. Every round measures each of them, so that a noisy minute meets all.
/// </summary>
internal static class RoutingBench
{
    private const int Devices = 10;
    private const int Routes = 20;
    private const int Variants = 64;
    private const int BodyBytes = 1_024;
    private const int Rounds = 11;
    private const int WarmUpRounds = 2;
    private const double PropertyCostMax = 0.15;
    private const double BodyCostMax = 0.5;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(1.5);

    public static async Task<int> RunAsync(string hubPath, string data)
    {
        Directory.CreateDirectory(data);
        ResultTable.Begin("measured", "without routes", "with them", "cost", "goal");
        using var hub = await HubUnderTest.StartAsync(hubPath, Path.Combine(data, "hub"), "--retention-size", "2GB");
        await Registration.RunAsync(hub, Devices);
        using var rest = Rest(hub);
        // Half of the conditions are true for some messages; the fallback takes what no route wants.
        await CompareAsync(hub, rest, $"{Routes} routes with property conditions, 256-byte messages",
            Messages(256), number => $"level = '{number % 10}' AND as_number(temperature) > {15 + number}", PropertyCostMax);
        await CompareAsync(hub, rest, $"{Routes} routes with body conditions, 1 KiB of JSON",
            Messages(BodyBytes), number => $"$body.sensors.s{number % 10}.value > {10 + number}", BodyCostMax);
        return 0;
    }

    private static async Task CompareAsync(
        HubUnderTest hub, HttpClient rest, string what, byte[][] messages, Func<int, string> condition, double costMax)
    {
        var sides = new TelemetrySide[Devices];
        for (var i = 0; i < Devices; i++)
            sides[i] = await TelemetrySide.OpenAsync(hub, Registration.DeviceId(i), messages);
        var (without, with) = (new List<Sample>(), new List<Sample>());
        for (var round = -WarmUpRounds; round < Rounds; round++)
        {
            await RouteAsync(rest, 0, condition);
            var before = await SampleAsync(hub, sides);
            await RouteAsync(rest, Routes, condition);
            var after = await SampleAsync(hub, sides);
            if (round < 0)
                continue;
            without.Add(before);
            with.Add(after);
        }
        await RouteAsync(rest, 0, condition);
        foreach (var side in sides)
            await side.DisposeAsync();
        var cost = 1 - (Median(with, sample => sample.Rate) / Median(without, sample => sample.Rate));
        ResultTable.Row(what, Show(without), Show(with), Percent(cost), $"<= {Percent(costMax)}", cost <= costMax);
    }

    private static async Task<Sample> SampleAsync(HubUnderTest hub, TelemetrySide[] sides)
    {
        await Task.Delay(WarmUp);
        var (first, used, watch) = (sides.Sum(side => side.Accepted), hub.ProcessorTime, Stopwatch.StartNew());
        await Task.Delay(Measured);
        var events = sides.Sum(side => side.Accepted) - first;
        return new Sample(events / watch.Elapsed.TotalSeconds, (hub.ProcessorTime - used).TotalNanoseconds / events);
    }

    private static string Show(List<Sample> samples) =>
        $"{Median(samples, sample => sample.Rate):N0}/s, {Median(samples, sample => sample.ProcessorNs):N0} ns";

    private static string Percent(double share) => share.ToString("P0", CultureInfo.InvariantCulture);

    private static double Median(List<Sample> samples, Func<Sample, double> what) =>
        samples.Select(what).Order().ElementAt(samples.Count / 2);

    private static async Task RouteAsync(HttpClient rest, int count, Func<int, string> condition)
    {
        var routes = new JsonArray([.. Enumerable.Range(0, count).Select(number => new JsonObject
        {
            ["name"] = $"route{number}",
            ["source"] = "DeviceMessages",
            ["condition"] = condition(number),
            ["endpoint"] = "events",
        })]);
        using var body = new StringContent(
            new JsonObject { ["routes"] = routes }.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await rest.PutAsync("/hubbub/routing?api-version=2021-04-12", body);
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Messages that differ in their properties, and in a JSON body of ten readings and a text.</summary>
    private static byte[][] Messages(int bodyBytes) =>
        [.. Enumerable.Range(0, Variants).Select(number => Message(number, bodyBytes))];

    private static byte[] Message(int number, int bodyBytes)
    {
        var sensors = new JsonObject(Enumerable.Range(0, 10).Select(sensor => KeyValuePair.Create<string, JsonNode?>(
            $"s{sensor}", new JsonObject { ["unit"] = "C", ["value"] = (number + sensor) % 40 })));
        var body = new JsonObject { ["sensors"] = bodyBytes > 256 ? sensors : null };
        var missing = bodyBytes - body.ToJsonString().Length - ",\"note\":\"\"".Length;
        body["note"] = new string('x', Math.Max(0, missing));
        return new OutgoingMessage
        {
            Properties = new Properties { ContentType = "application/json", ContentEncoding = "utf-8" },
            ApplicationProperties = new AmqpMapBuilder(MapKeyKind.String)
                .Add("level", (number % 12).ToString(CultureInfo.InvariantCulture))
                .Add("temperature", (number % 50).ToString(CultureInfo.InvariantCulture)).Build(),
            Data = Encoding.UTF8.GetBytes(body.ToJsonString()),
        }.ToArray();
    }

    private static HttpClient Rest(HubUnderTest hub)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = hub.TrustItsAuthority();
        var client = new HttpClient(handler) { BaseAddress = new Uri($"https://localhost:{hub.HttpsPort}") };
        client.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(hub.Token("iothubowner"));
        return client;
    }

    /// <param name="Rate">Events a second.</param>
    /// <param name="ProcessorNs">The hub's processor time for each.</param>
    private readonly record struct Sample(double Rate, double ProcessorNs);
}
