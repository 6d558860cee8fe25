using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hubbub.Server.Http;

/// <summary>
/// The description of the HTTPS service for programs (OpenAPI 3.1): the operations out of the table that serves them,
/// the schemas out of a file beside this one.
/// </summary>
internal static class OpenApiDocument
{
    private const string Components = "Hubbub.Server.Http.openapi-components.json";
    private const string AnyType = "*/*";

    /// <summary>The document as UTF-8.</summary>
    public static byte[] Write(IEnumerable<ApiRoute> routes)
    {
        var paths = new JsonObject();
        var served = routes.Where(r => r.Serve is not null);
        foreach (var path in served.GroupBy(r => r.Template).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var operations = new JsonObject();
            foreach (var route in path)
                operations[route.Method.ToLowerInvariant()] = Operation(route);
            paths[path.Key] = operations;
        }
        using var resource = typeof(OpenApiDocument).Assembly.GetManifestResourceStream(Components)!;
        var document = new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject
            {
                ["title"] = "Hubbub",
                ["version"] = "1",
                ["description"] = "The REST service of a Hubbub IoT hub: Azure IoT Hub's operations, and Hubbub's own.",
            },
            ["security"] = new JsonArray(new JsonObject { ["sharedAccessSignature"] = new JsonArray() }),
            ["paths"] = paths,
            ["components"] = JsonNode.Parse(resource),
        };
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(
            buffer, ApiJson.WriterOptions with { Indented = true, NewLine = "\n" }))
            document.WriteTo(writer);
        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private static JsonObject Operation(ApiRoute route)
    {
        var operation = new JsonObject
        {
            ["summary"] = route.Summary,
            ["tags"] = new JsonArray(route.Segments[0] == "hubbub" ? "Hubbub" : "IoT Hub"),
        };
        if (route.IsPublic)
            operation["security"] = new JsonArray();
        var parameters = new JsonArray();
        foreach (var segment in route.Segments.Where(ApiRoute.IsParameter))
        {
            parameters.Add((JsonNode)new JsonObject
            {
                ["name"] = segment.Trim('{', '}'),
                ["in"] = "path",
                ["required"] = true,
                ["schema"] = new JsonObject { ["type"] = "string" },
            });
        }
        foreach (var name in route.IsPublic ? route.Parameters : [.. route.Parameters, "api-version"])
            parameters.Add((JsonNode)Reference("parameters", name));
        operation["parameters"] = parameters;
        if (route.Takes is { } takes)
            operation["requestBody"] = new JsonObject { ["content"] = Content(takes) };
        var responses = new JsonObject
        {
            [route.Gives is null ? "204" : "200"] = Response("Done.", route.Gives),
        };
        foreach (var (status, schema) in route.Also)
            responses[$"{status}"] = Response("Done in part, or nothing there.", schema.Length == 0 ? null : schema);
        responses["default"] = Reference("responses", "Error");
        operation["responses"] = responses;
        return operation;
    }

    private static JsonObject Response(string description, string? schema)
    {
        var response = new JsonObject { ["description"] = description };
        if (schema is not null)
            response["content"] = Content(schema);
        return response;
    }

    private static JsonObject Content(string schema)
    {
        if (schema == ApiRoute.Bytes)
            return new JsonObject { [AnyType] = new JsonObject() };
        JsonNode type = schema.EndsWith("[]", StringComparison.Ordinal)
            ? new JsonObject { ["type"] = "array", ["items"] = Reference("schemas", schema[..^2]) }
            : Reference("schemas", schema);
        return new JsonObject { ["application/json"] = new JsonObject { ["schema"] = type } };
    }

    private static JsonObject Reference(string kind, string name) => new() { ["$ref"] = $"#/components/{kind}/{name}" };
}
