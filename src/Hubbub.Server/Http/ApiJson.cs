using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Http;

/// <summary>The JSON of the HTTPS service. Unknown members are ignored, duplicate ones refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNameCaseInsensitive = true,
    AllowDuplicateProperties = false,
    MaxDepth = ApiLimits.JsonDepthMax,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never)]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(ExportLine))]
[JsonSerializable(typeof(BulkEntry))]
[JsonSerializable(typeof(DeviceBody))]
[JsonSerializable(typeof(DeviceBody[]))]
[JsonSerializable(typeof(ModuleBody))]
[JsonSerializable(typeof(ModuleBody[]))]
[JsonSerializable(typeof(DeviceRequest))]
[JsonSerializable(typeof(ModuleRequest))]
[JsonSerializable(typeof(PurgeBody))]
[JsonSerializable(typeof(BulkEntry[]))]
[JsonSerializable(typeof(BulkResultBody))]
[JsonSerializable(typeof(KeyRegenerationBody))]
[JsonSerializable(typeof(KeyRegenerationResultBody))]
[JsonSerializable(typeof(RegistryStatisticsBody))]
[JsonSerializable(typeof(ServiceStatisticsBody))]
[JsonSerializable(typeof(QueryBody))]
[JsonSerializable(typeof(TwinBody))]
[JsonSerializable(typeof(DeviceMessageBody[]))]
[JsonSerializable(typeof(ConsumerGroupBody))]
[JsonSerializable(typeof(ConsumerGroupBody[]))]
[JsonSerializable(typeof(PolicyBody))]
[JsonSerializable(typeof(PolicyBody[]))]
[JsonSerializable(typeof(PolicyRequestBody))]
[JsonSerializable(typeof(PolicyKeyBody))]
[JsonSerializable(typeof(CertificateBody))]
[JsonSerializable(typeof(CertificateBody[]))]
[JsonSerializable(typeof(CertificateRequestBody))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    // The default escapes the + of base64 for the sake of HTML; people copy keys out of these answers as they see them.
    internal static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>JSON that is written by hand.</summary>
    public static ReadOnlyMemory<byte> Text(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
            write(writer);
        return buffer.WrittenMemory;
    }

    /// <summary>Writes the body of an answer whose status is already set.</summary>
    public static async Task WriteAsync<T>(HttpContext context, T body, JsonTypeInfo<T> type)
    {
        var buffer = new ArrayBufferWriter<byte>();
        await using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
            JsonSerializer.Serialize(writer, body, type);
        await WriteAsync(context, buffer.WrittenMemory);
    }

    /// <summary>Writes a body that is JSON already.</summary>
    public static async Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> json)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = json.Length;
        await context.Response.Body.WriteAsync(json, context.RequestAborted);
    }
}
