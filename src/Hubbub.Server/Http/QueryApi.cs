using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Queries;
using Hubbub.Core.Security;

namespace Hubbub.Server.Http;

/// <summary>Queries over devices and modules, page by page (docs/wire/rest.md).</summary>
internal sealed class QueryApi(IdentityRegistry registry, IdentityViews views, ScanGate scans)
{
    private const int RowsBetweenChecks = 1024;

    public IEnumerable<ApiRoute> Routes =>
    [
        new("POST", "/devices/query", "Looks for devices or modules.", QueryAsync)
        {
            Takes = "Query",
            Gives = "QueryResult",
            Parameters = ["x-ms-max-item-count", "x-ms-continuation"],
        },
    ];

    private async Task<HubError?> QueryAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.ServiceConnect) is { } refusal)
            return refusal;
        var body = await request.ReadAsync(ApiJson.Default.QueryBody);
        if (!body.IsOk)
            return body.Error;
        var text = body.Value.Query ?? "";
        var query = TwinQuery.Parse(text);
        if (!query.IsOk)
            return query.Error;
        var size = PageSizeOf(request);
        if (!size.IsOk)
            return size.Error;
        var from = request.Header("x-ms-continuation") is { } header
            ? QueryContinuation.Read(header, text)
            : new QueryContinuation(query.Value.Top ?? -1, "", null);
        if (!from.IsOk)
            return from.Error;

        // Who names the ids looks at these only.
        var isScan = query.Value.DeviceIds is null;
        if (isScan && !await scans.TryEnterAsync(request.Aborted))
            return TooMany();
        var page = new ArrayBufferWriter<byte>();
        QueryContinuation? next;
        try
        {
            next = WritePage(page, query.Value, from.Value, size.Value, request.Aborted);
        }
        finally
        {
            if (isScan)
                scans.Leave();
        }
        var headers = request.Context.Response.Headers;
        // C# demands the type, in this spelling; the continuation must not even be empty on the last page.
        headers["x-ms-item-type"] = query.Value.Columns.IsEmpty ? "Twin" : "Raw";
        if (next is { } continuation)
            headers["x-ms-continuation"] = continuation.Write(text);
        await ApiJson.WriteAsync(request.Context, page.WrittenMemory);
        return null;
    }

    private static HubError TooMany() => new(
        HubErrorCode.Throttling,
        $"{ApiLimits.ScansMax} queries over all identities run and {ApiLimits.ScansWaitingMax} wait; try again after "
        + $"{ApiLimits.RetryAfterSeconds} s, or name the devices (WHERE deviceId IN [...]), which is not limited.");

    private static HubResult<int> PageSizeOf(ApiRequest request)
    {
        if (request.Header("x-ms-max-item-count") is not { } header)
            return ApiLimits.QueryPageDefault;
        if (!int.TryParse(header, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count))
            return new HubError(HubErrorCode.ArgumentInvalid, "The header x-ms-max-item-count is not a number.");
        // Some clients send -1 for as many as the service likes.
        return count <= 0 ? ApiLimits.QueryPageDefault : Math.Min(count, ApiLimits.QueryPageMax);
    }

    /// <summary>Writes the rows of a page as a JSON array.</summary>
    /// <returns>Where the next page begins; null when this is the last one.</returns>
    private QueryContinuation? WritePage(
        ArrayBufferWriter<byte> page, TwinQuery query, QueryContinuation from, int size, CancellationToken aborted)
    {
        var row = new TwinRow(views);
        var count = 0;
        var last = (DeviceId: "", ModuleId: (string?)null);
        var countMax = from.Left < 0 ? size : Math.Min(size, from.Left);
        using var writer = new Utf8JsonWriter(page, ApiJson.WriterOptions);
        writer.WriteStartArray();
        var seen = 0;
        foreach (var (device, module) in Candidates(query, from))
        {
            if (++seen % RowsBetweenChecks == 0)
                aborted.ThrowIfCancellationRequested();
            row.MoveTo(device, module);
            if (!query.IsMatch(row))
                continue;
            if (count == countMax)
            {
                // There is one more: only now is it known that a next page is not empty.
                if (from.Left >= 0 && from.Left == count)
                    break;
                writer.WriteEndArray();
                return new QueryContinuation(from.Left < 0 ? -1 : from.Left - count, last.DeviceId, last.ModuleId);
            }
            Write(writer, query, row);
            last = (device.DeviceId, module?.ModuleId);
            count++;
        }
        writer.WriteEndArray();
        return null;
    }

    private IEnumerable<(DeviceIdentity Device, ModuleIdentity? Module)> Candidates(
        TwinQuery query, QueryContinuation from)
    {
        if (query.Source == QuerySource.Devices)
            return Devices(query, from.DeviceId).Select(d => (d, (ModuleIdentity?)null));
        var begun = from.ModuleId is not null && registry.FindDevice(from.DeviceId) is { } device
            ? ModulesOf(device).Where(m => string.CompareOrdinal(m.Module!.ModuleId, from.ModuleId) > 0)
            : [];
        return begun.Concat(Devices(query, from.DeviceId).SelectMany(ModulesOf));
    }

    private IEnumerable<DeviceIdentity> Devices(TwinQuery query, string afterId) => query.DeviceIds is { } ids
        ? ids.Where(id => string.CompareOrdinal(id, afterId) > 0)
            .Select(id => registry.FindDevice(id)).OfType<DeviceIdentity>()
        : registry.DevicesAfter(afterId);

    private IEnumerable<(DeviceIdentity Device, ModuleIdentity? Module)> ModulesOf(DeviceIdentity device)
    {
        var modules = registry.ListModules(device.DeviceId);
        return modules.IsOk ? modules.Value.Select(m => (device, (ModuleIdentity?)m)) : [];
    }

    private static void Write(Utf8JsonWriter writer, TwinQuery query, TwinRow row)
    {
        if (query.Columns.IsEmpty)
        {
            JsonSerializer.Serialize(writer, row.Body, ApiJson.Default.TwinBody);
            return;
        }
        writer.WriteStartObject();
        foreach (var column in query.Columns)
        {
            var value = row.ValueAt(column.Path);
            if (!value.IsDefined)
                continue;
            writer.WritePropertyName(column.Name);
            switch (value.Kind)
            {
                case QueryKind.Null:
                    writer.WriteNullValue();
                    break;
                case QueryKind.Boolean:
                    writer.WriteBooleanValue(value.IsTrue);
                    break;
                case QueryKind.Number:
                    writer.WriteNumberValue(value.Number);
                    break;
                case QueryKind.Composite:
                    value.Composite!.WriteTo(writer);
                    break;
                default:
                    writer.WriteStringValue(value.Text);
                    break;
            }
        }
        writer.WriteEndObject();
    }
}

internal sealed record QueryBody
{
    [JsonPropertyName("query")]
    public string? Query { get; init; }
}
