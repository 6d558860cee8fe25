using System.Text.Json.Nodes;
using CsCheck;
using Hubbub.Core.Queries;

namespace Hubbub.Core.Tests.Queries;

public sealed class TwinQueryTests
{
    private static readonly Row Twin = new("""
        {
          "deviceId": "d1", "status": "enabled", "version": 2, "nothing": null,
          "capabilities": { "iotEdge": true },
          "tags": { "Floor": 3, "group": "a", "list": [1, "x", { "y": 2 }], "big": 12.5, "flag": false },
          "properties": { "desired": { "$version": 4 }, "reported": { "last": { "code": 200, "version": 4 } } },
          "configurations": { "cfg-1": { "status": "Applied" } },
          "parentScopes": ["ms-azure-iot-edge://e1-1"]
        }
        """);

    [Theory]
    [InlineData("deviceId = 'd1'")]
    [InlineData("DEVICEID = \"d1\"")]
    [InlineData("devices.deviceId = 'd1'")]
    [InlineData("deviceId != 'd2' and deviceId <> 'd3'")]
    [InlineData("deviceId in ['x', 'd1']")]
    [InlineData("deviceId NIN ['x', 'y']")]
    [InlineData("STARTSWITH(devices.deviceId, 'd')")]
    [InlineData("endswith(deviceId, '1')")]
    [InlineData("array_contains(parentScopes, 'ms-azure-iot-edge://e1-1')")]
    [InlineData("(capabilities.iotEdge=true AND status='enabled')")]
    [InlineData("capabilities.iotEdge")]
    [InlineData("not tags.flag")]
    [InlineData("not (deviceId = 'x' or tags.Floor > 3)")]
    [InlineData("tags.Floor >= 3 and tags.Floor <= 3.0 and tags.Floor < 4 and tags.Floor > -1")]
    [InlineData("tags.Floor * 2 + 1 = 7 and tags.Floor % 2 = 1 and 7 - tags.Floor = 8 / 2")]
    [InlineData("tags.Floor = 0x3 and tags.big = 1.25e1")]
    [InlineData("tags.[[group]] = 'a' and tags.group = 'a'")]
    [InlineData("configurations.[[cfg-1]].status = 'Applied'")]
    [InlineData("properties.desired.$version = properties.reported.last.version and properties.reported.last.code = 200")]
    [InlineData("tags.list[1] = 'x' and tags.list[2].y = 2")]
    [InlineData("is_defined(tags.Floor) and not is_defined(tags.floor)")]
    [InlineData("nothing = null and is_null(nothing) and is_defined(nothing)")]
    [InlineData("status != null")]
    [InlineData("is_string(deviceId) and is_number(version) and is_bool(tags.flag)")]
    [InlineData("is_object(tags) and is_array(parentScopes) and is_primitive(version) and not is_primitive(tags)")]
    [InlineData("tags.missing = 'x' or deviceId = 'd1'")]
    [InlineData("deviceId = 'd1' or tags.missing = 'x'")]
    [InlineData("deviceId = '\\u0064\\u0031'")]
    [InlineData("tags.group != 5")]
    public void Condition_ThatHolds_TakesTheRow(string condition) => Assert.True(IsMatch(condition));

    [Theory]
    [InlineData("deviceId = 'D1'")]
    [InlineData("tags.missing = 'x'")]
    [InlineData("tags.missing != 'x'")]
    [InlineData("not tags.missing = 'x'")]
    [InlineData("tags.missing = null")]
    [InlineData("tags.missing != null")]
    [InlineData("tags.missing in ['x']")]
    [InlineData("tags.missing nin ['x']")]
    [InlineData("tags.missing = undefined")]
    [InlineData("deviceId = 'd1' and tags.missing = 'x'")]
    [InlineData("tags.Floor > 'a'")]
    [InlineData("tags.Floor = '3'")]
    [InlineData("tags = 'a'")]
    [InlineData("tags != 'a'")]
    [InlineData("tags.group")]
    [InlineData("tags.Floor / 0 = 1")]
    [InlineData("tags.Floor / 0 != 1")]
    [InlineData("-tags.group < 1")]
    [InlineData("deviceId in []")]
    [InlineData("startswith(tags.Floor, '3')")]
    [InlineData("array_contains(parentScopes, 'other')")]
    [InlineData("tags.list[9] = 1")]
    public void Condition_ThatDoesNotHoldOrCannotBeSaid_LeavesTheRow(string condition) => Assert.False(IsMatch(condition));

    [Fact]
    public void Times_AreComparedAsTimes_HoweverTheyAreWritten()
    {
        var row = new TimeRow(new DateTimeOffset(2026, 3, 1, 12, 0, 0, 500, TimeSpan.Zero));

        Assert.True(Parse("SELECT * FROM devices WHERE t > '2026-03-01T12:00:00Z' AND t < '2026-03-01T12:00:01Z'").IsMatch(row));
        Assert.True(Parse("SELECT * FROM devices WHERE t >= '2026-03-01T13:00:00+01:00' AND '2026-03-02' > t").IsMatch(row));
        Assert.False(Parse("SELECT * FROM devices WHERE t > '2026-03-01T12:00:00.6Z'").IsMatch(row));
    }

    [Theory]
    [InlineData("  \n select deviceId as DeviceId, capabilities.iotEdge as IotEdge , tags.[[group]]\tFROM devices ", "DeviceId,IotEdge,group")]
    [InlineData("SELECT devices.deviceId, tags.list[2].y, version FROM devices", "deviceId,y,version")]
    [InlineData("SELECT * FROM devices", "")]
    [InlineData("SELECT devices.modules.moduleId FROM devices.modules", "moduleId")]
    public void Columns_AreCalledAsWritten(string query, string names) =>
        Assert.Equal(names, string.Join(',', Parse(query).Columns.Select(c => c.Name)));

    [Fact]
    public void Query_TellsItsSourceItsTopAndTheDevicesThatItMayFind()
    {
        Assert.Equal(QuerySource.Modules, Parse("select * from Devices.Modules").Source);
        Assert.Equal(5, Parse("SELECT TOP 5 * FROM devices").Top);
        Assert.Equal(["a", "b"], Parse("SELECT * FROM devices WHERE deviceId IN ['b','a'] AND tags.x = 1").DeviceIds!);
        Assert.Equal(["b"], Parse("SELECT * FROM devices WHERE 'b' = devices.deviceId AND deviceId IN ['b','a']").DeviceIds!);
        Assert.Null(Parse("SELECT * FROM devices WHERE deviceId = 'a' OR tags.x = 1").DeviceIds);
        Assert.Null(Parse("SELECT * FROM devices WHERE tags.deviceId = 'a'").DeviceIds);
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("SELECT", 7)]
    [InlineData("SELECT * FROM", 14)]
    [InlineData("SELECT * FROM twins", 20)]
    [InlineData("SELECT * FROM devices WHERE", 28)]
    [InlineData("SELECT * FROM devices WHERE deviceId", 0)]
    [InlineData("SELECT * FROM devices WHERE deviceId =", 39)]
    [InlineData("SELECT * FROM devices WHERE deviceId = 'x", 40)]
    [InlineData("SELECT * FROM devices WHERE deviceId == 'x'", 39)]
    [InlineData("SELECT * FROM devices WHERE a && b", 31)]
    [InlineData("SELECT * FROM devices WHERE (deviceId = 'x'", 44)]
    [InlineData("SELECT * FROM devices WHERE deviceId = 'x') ", 43)]
    [InlineData("SELECT * FROM devices; DROP TABLE devices", 22)]
    [InlineData("SELECT * FROM devices WHERE contains(deviceId, 'x')", 37)]
    [InlineData("SELECT * FROM devices WHERE startswith(deviceId)", 49)]
    [InlineData("SELECT * FROM devices WHERE a IN [b]", 36)]
    [InlineData("SELECT * FROM devices WHERE tags.[[a = 1", 34)]
    [InlineData("SELECT * FROM devices WHERE a = 'x\\q'", 35)]
    [InlineData("SELECT TOP 0 * FROM devices", 12)]
    [InlineData("SELECT deviceId, tags.deviceId FROM devices", 44)]
    [InlineData("SELECT * FROM devices ORDER BY deviceId", 23)]
    [InlineData("SELECT from FROM devices", 8)]
    public void Text_ThatIsNoQuery_IsRefusedWithThePlace(string text, int character)
    {
        var query = TwinQuery.Parse(text);

        if (character == 0)
        {
            Assert.True(query.IsOk);
            return;
        }
        Assert.Equal(HubErrorCode.ArgumentInvalid, query.Error?.Code);
        Assert.Contains($"at character {character}:", query.Error!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SELECT COUNT() AS n FROM devices")]
    [InlineData("SELECT status FROM devices GROUP BY status")]
    [InlineData("SELECT * FROM devices.jobs")]
    public void WhatTheLanguageHasAndTheHubHasNot_IsSaid(string text) =>
        Assert.Equal(HubErrorCode.NotImplemented, TwinQuery.Parse(text).Error?.Code);

    [Fact]
    public void Query_BeyondItsBounds_IsRefused()
    {
        const string head = "SELECT * FROM devices WHERE ";

        Assert.Equal(HubErrorCode.PreconditionFailed, TwinQuery.Parse(head + new string(' ', 8192)).Error?.Code);
        Assert.Equal(HubErrorCode.ArgumentInvalid, TwinQuery.Parse(head + new string('(', 4000)).Error?.Code);
        Assert.Equal(HubErrorCode.ArgumentInvalid, TwinQuery.Parse(head + string.Concat(Enumerable.Repeat("not ", 1500))).Error?.Code);
        Assert.Equal(HubErrorCode.ArgumentInvalid, TwinQuery.Parse(head + new string('-', 4000) + "1").Error?.Code);
        Assert.Equal(HubErrorCode.ArgumentInvalid, TwinQuery.Parse(head + "1" + string.Concat(Enumerable.Repeat("+1", 2000))).Error?.Code);
        Assert.True(TwinQuery.Parse(head + "1" + string.Concat(Enumerable.Repeat("+1", 900)) + " = 901").Value.IsMatch(Twin));
    }

    [Fact]
    public void AnyText_IsReadOrRefused_NeverMore() =>
        Gen.String[Gen.OneOf(
                Gen.Char["SELECTFROMWHERdevices.[]()'\"\\*=<>!,-+/%$_0123456789abcx {}"],
                Gen.Char), 0, 200]
            .Sample(text =>
            {
                foreach (var query in new[] { text, "SELECT * FROM devices WHERE " + text })
                {
                    var parsed = TwinQuery.Parse(query);
                    if (parsed.IsOk)
                        parsed.Value.IsMatch(Twin);
                }
            });

    private static bool IsMatch(string condition) => Parse($"SELECT * FROM devices WHERE {condition}").IsMatch(Twin);

    private static TwinQuery Parse(string text) => TwinQuery.Parse(text).Value;

    private sealed class Row(string json) : IQueryRow
    {
        private readonly JsonNode _json = JsonNode.Parse(json)!;

        public QueryValue ValueAt(QueryPath path)
        {
            var members = _json.AsObject();
            var root = members.Select(m => m.Key).FirstOrDefault(k => k.Equals(path.Root, StringComparison.OrdinalIgnoreCase));
            if (root is null)
                return QueryValue.Undefined;
            var node = members[root];
            foreach (var step in path.Steps)
            {
                if (step.Name is { } name && node is JsonObject inner && inner.ContainsKey(name))
                    node = inner[name];
                else if (step.Name is null && node is JsonArray array && step.Index < array.Count)
                    node = array[step.Index];
                else
                    return QueryValue.Undefined;
            }
            return QueryValue.Of(node);
        }
    }

    private sealed class TimeRow(DateTimeOffset time) : IQueryRow
    {
        public QueryValue ValueAt(QueryPath path) =>
            QueryValue.Of(time, time.ToString("O", System.Globalization.CultureInfo.InvariantCulture));
    }
}
