using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Hubbub.Core;
using Hubbub.Core.Routing;
using Hubbub.Core.Routing.Json;
using Microsoft.Data.Sqlite;

namespace Hubbub.Storage.State;

/// <summary>
/// Endpoints, routes and enrichments, each as its JSON; that of endpoints is encrypted, for it holds keys. Used on the
/// writer's thread only.
/// </summary>
internal sealed class RoutingTables(SqliteConnection connection, KeyCipher cipher) : IDisposable
{
    private const int Endpoint = 0;
    private const int Route = 1;
    private const int Fallback = 2;
    private const int Enrichment = 3;

    private readonly PreparedCommand _delete = new(connection, "DELETE FROM routing");
    private readonly PreparedCommand _put = new(
        connection,
        "INSERT INTO routing (kind, position, stream_id, created_ticks, value) VALUES ($p0, $p1, $p2, $p3, $p4)");

    public RoutingConfiguration Load()
    {
        var endpoints = ImmutableArray.CreateBuilder<RouteEndpoint>();
        var routes = ImmutableArray.CreateBuilder<Route>();
        var enrichments = ImmutableArray.CreateBuilder<Enrichment>();
        var fallback = new FallbackRoute();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT kind, stream_id, created_ticks, value FROM routing ORDER BY kind, position";
        using var row = command.ExecuteReader();
        while (row.Read())
        {
            var value = row.GetFieldValue<byte[]>(3);
            switch (row.GetInt32(0))
            {
                case Endpoint:
                    endpoints.Add(LoadEndpoint(row.GetString(1), row.GetInt64(2), value));
                    break;
                case Route:
                    routes.Add(Parsed(value, static json => RoutingJson.ReadRoute(json)));
                    break;
                case Fallback:
                    fallback = Parsed(value, RoutingJson.ReadFallback);
                    break;
                case Enrichment:
                    enrichments.Add(Parsed(value, static json => RoutingJson.ReadEnrichment(json)));
                    break;
            }
        }
        return new RoutingConfiguration
        {
            Endpoints = endpoints.DrainToImmutable(),
            Routes = routes.DrainToImmutable(),
            Fallback = fallback,
            Enrichments = enrichments.DrainToImmutable(),
        };
    }

    public void Save(RoutingConfiguration configuration)
    {
        _delete.Execute();
        foreach (var (position, endpoint) in configuration.Endpoints.Index())
        {
            var json = Encoding.UTF8.GetString(
                Written(writer => EndpointJson.Write(writer, endpoint, withSecrets: true)));
            var value = cipher.EncryptText(json, RecordOf(endpoint.StreamId));
            _put.Execute((long)Endpoint, (long)position, endpoint.StreamId, endpoint.CreatedAt.UtcTicks, value);
        }
        foreach (var (position, route) in configuration.Routes.Index())
            Put(Route, position, writer => RoutingJson.Write(writer, route));
        Put(Fallback, 0, writer => RoutingJson.Write(writer, configuration.Fallback));
        foreach (var (position, enrichment) in configuration.Enrichments.Index())
            Put(Enrichment, position, writer => RoutingJson.Write(writer, enrichment));
    }

    public void Dispose()
    {
        _delete.Dispose();
        _put.Dispose();
    }

    private RouteEndpoint LoadEndpoint(string streamId, long createdTicks, byte[] value)
    {
        var json = Encoding.UTF8.GetBytes(cipher.DecryptText(value, RecordOf(streamId)));
        var createdAt = new DateTimeOffset(createdTicks, TimeSpan.Zero);
        var endpoint = Parsed(json, element => EndpointJson.Read(element, null, static _ => null, createdAt));
        return endpoint with { StreamId = streamId };
    }

    private void Put(int kind, int position, Action<Utf8JsonWriter> write) =>
        _put.Execute((long)kind, (long)position, null, null, Written(write));

    private static byte[] Written(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
            write(writer);
        return buffer.WrittenSpan.ToArray();
    }

    private static T Parsed<T>(byte[] json, Func<JsonElement, HubResult<T>> read)
    {
        using var document = JsonDocument.Parse(json);
        var result = read(document.RootElement);
        return result.IsOk
            ? result.Value
            : throw new StateStoreException($"The stored routing is not understood: {result.Error!.Message}");
    }

    private static string RecordOf(string streamId) =>
        string.Create(CultureInfo.InvariantCulture, $"endpoint '{streamId}'");
}
