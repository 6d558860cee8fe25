using System.Text.Encodings.Web;
using System.Text.Json;
using Hubbub.Core;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Hubbub.Server.Http;

/// <summary>
/// Hubbub's own import and export of the registry (docs/wire/admin.md), in the lines of the service's export blob: its
/// import and export jobs need a storage account.
/// </summary>
internal sealed class TransferApi(IdentityRegistry registry)
{
    private const string LinesType = "application/x-ndjson; charset=utf-8";
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private int _imports;

    public IEnumerable<ApiRoute> Routes =>
    [
        new(
            "POST", "/hubbub/devices/import", "Creates, updates or removes identities, one JSON object a line.",
            ImportAsync)
        {
            Takes = ApiRoute.Bytes, Gives = ApiRoute.Bytes,
        },
        new(
            "GET", "/hubbub/devices/export", "Gives all identities with their keys, one JSON object a line.",
            ExportAsync)
        {
            Gives = ApiRoute.Bytes, Parameters = ["excludeKeys"],
        },
    ];

    private async Task<HubError?> ImportAsync(ApiRequest request)
    {
        if (request.Require(AccessRights.RegistryWrite) is { } refusal)
            return refusal;
        if (Interlocked.Increment(ref _imports) > ApiLimits.ImportsMax)
        {
            Interlocked.Decrement(ref _imports);
            return new HubError(
                HubErrorCode.Throttling, $"{ApiLimits.ImportsMax} imports run already; try again when one has ended.");
        }
        try
        {
            var features = request.Context.Features;
            if (features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } bodySize)
                bodySize.MaxRequestBodySize = null; // Any number of lines, each of them bounded.
            if (features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
                rate.MinDataRate = null; // The client may read nothing before it has sent everything.
            request.Context.Response.ContentType = LinesType;
            var report = new ImportReport(request.Context.Response.BodyWriter);
            await new RegistryImport(registry, report).RunAsync(request.Context.Request.BodyReader, request.Aborted);
            await report.FinishAsync(request.Aborted);
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _imports);
        }
    }

    private async Task<HubError?> ExportAsync(ApiRequest request)
    {
        var withKeys = !string.Equals(
            request.Target.Query("excludeKeys"), "true", StringComparison.OrdinalIgnoreCase);
        // As the service: whoever gets the keys of all devices can be any of them.
        if (request.Require(withKeys ? AccessRights.RegistryWrite : AccessRights.RegistryRead) is { } refusal)
            return refusal;
        request.Context.Response.ContentType = LinesType;
        var output = request.Context.Response.BodyWriter;
        await using var json = new Utf8JsonWriter(output, Options);
        string? after = null;
        while (registry.ListDevicesAfter(after, ApiLimits.ExportPage) is { Count: > 0 } page)
        {
            foreach (var device in page)
            {
                Write(ExportLine.Of(device, withKeys));
                var modules = registry.ListModules(device.DeviceId);
                if (!modules.IsOk)
                    continue; // Deleted since the page was read.
                foreach (var module in modules.Value)
                    Write(ExportLine.Of(module, withKeys));
            }
            after = page[^1].DeviceId;
            await output.FlushAsync(request.Aborted);
        }
        return null;

        void Write(ExportLine line)
        {
            json.Reset(output);
            JsonSerializer.Serialize(json, line, ApiJson.Default.ExportLine);
            json.Flush();
            output.GetSpan(1)[0] = (byte)'\n';
            output.Advance(1);
        }
    }
}
