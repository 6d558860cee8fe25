using System.Security.Cryptography;
using System.Text.Json;
using Hubbub.Core.Routing.Dispatch;
using Hubbub.Core.Security;

namespace Hubbub.Core.Routing.Json;

/// <summary>An endpoint as JSON: in the HTTPS service, in files, and in the state store.</summary>
public static class EndpointJson
{
    /// <summary>Reads an endpoint.</summary>
    /// <param name="json">The endpoint.</param>
    /// <param name="name">Its name, where that is said elsewhere; null: the member name has it.</param>
    /// <param name="current">The endpoint of that name as it is: what is kept secret is taken over from it.</param>
    /// <param name="now">The time, for a new endpoint.</param>
    /// <param name="index">Its place in the document, for errors about an endpoint without a name.</param>
    public static HubResult<RouteEndpoint> Read(
        JsonElement json, string? name, Func<string, RouteEndpoint?> current, DateTimeOffset now, int index = 0)
    {
        var members = new JsonMembers(
            json, name is null ? JsonMembers.Called(json, "endpoint", "name", index) : $"The endpoint '{name}'");
        var itsName = name is null ? members.Required("name") : members.Text("name") ?? name;
        if (name is not null && itsName != name)
            members.Fail("has another name in its JSON");
        var old = current(itsName);
        var kind = members.Required("type");
        if (members.Problem is null && old is not null && old.Kind != kind)
            members.Fail($"is of the type '{old.Kind}', which cannot be changed; remove it first");
        var sink = ReadSink(kind, members, old?.Sink);
        var stream = ReadStream(kind, members, old?.Stream);
        var delivery = kind == "stream" ? null : members.Nested("delivery");
        var dispatch = delivery is null || sink is null ? null : ReadDispatch(delivery, sink.DefaultDispatch);
        foreach (var shown in (ReadOnlySpan<string>)["createdAt", "status", "entity"])
            members.Ignore(shown);
        if (members.Finish(delivery) is { } problem)
            return problem;
        var streamId = old?.StreamId ?? $"{itsName}-{RandomNumberGenerator.GetHexString(12, lowercase: true)}";
        return new RouteEndpoint(itsName, streamId, old?.CreatedAt ?? now, stream, sink, dispatch);
    }

    /// <summary>Writes an endpoint as one object.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="withSecrets">False: keys and passwords are left out.</param>
    /// <param name="more">Writes further members.</param>
    public static void Write(
        Utf8JsonWriter writer, RouteEndpoint endpoint, bool withSecrets, Action<Utf8JsonWriter>? more = null)
    {
        writer.WriteStartObject();
        writer.WriteString("name", endpoint.Name);
        writer.WriteString("type", endpoint.Kind);
        if (endpoint.Sink is null)
            writer.WriteNumber("partitions", endpoint.Stream.Partitions);
        writer.WriteString("retention", Quantity.Format(endpoint.Stream.Retention));
        if (endpoint.Stream.RetentionBytes is { } bytes)
            writer.WriteNumber("retentionSize", bytes);
        WriteSink(writer, endpoint.Sink, withSecrets);
        if (endpoint.Dispatch is { } dispatch)
            WriteDispatch(writer, dispatch);
        more?.Invoke(writer);
        writer.WriteEndObject();
    }

    private static EventStreamOptions ReadStream(string kind, JsonMembers members, EventStreamOptions? old)
    {
        var otherwise = old ?? (kind == "stream" ? EventStreamOptions.ForReaders : EventStreamOptions.ForSink);
        var partitions = kind == "stream" ? members.Number("partitions", otherwise.Partitions) : 1;
        if (old is not null && old.Partitions != partitions)
            members.Fail($"has {old.Partitions} partitions, which cannot be changed");
        return new EventStreamOptions(
            partitions,
            members.Duration("retention", otherwise.Retention),
            members.Size("retentionSize", otherwise.RetentionBytes));
    }

    private static SinkOptions? ReadSink(string kind, JsonMembers members, SinkOptions? old)
    {
        switch (kind)
        {
            case "stream":
                return null;
            case "webhook":
                var key = (old as WebhookOptions)?.Secret;
                if (members.Text("secret") is { } text && !SymmetricKey.TryParse(text, out key))
                    members.Fail("must have a key of 16 to 64 bytes in base64 as 'secret'");
                return new WebhookOptions
                {
                    Url = members.Required("url"),
                    Secret = key ?? SymmetricKey.Generate(),
                    Timeout = members.Duration("timeout", TimeSpan.FromSeconds(30)),
                    CaCertificates = members.Text("caCertificates"),
                };
            case "files":
                return new JsonFileOptions
                {
                    Directory = members.Required("directory"),
                    RotateBytes = members.Size("rotateSize", 64L * 1024 * 1024),
                    RotateAfter = members.Duration("rotateAfter", TimeSpan.FromHours(1)),
                };
            case "kafka":
                var kafka = old as KafkaOptions;
                var user = members.Text("userName");
                return new KafkaOptions
                {
                    BootstrapServers = members.Required("bootstrapServers"),
                    Topic = members.Required("topic"),
                    UsesTls = members.Flag("tls", false),
                    Timeout = members.Duration("timeout", TimeSpan.FromSeconds(30)),
                    CaCertificates = members.Text("caCertificates"),
                    UserName = user,
                    Password = members.Text("password") is { } password
                        ? new SecretText(password)
                        : user is not null && user == kafka?.UserName ? kafka.Password : null,
                };
            default:
                members.Fail("must have stream, webhook, files or kafka as 'type'");
                return null;
        }
    }

    private static void WriteSink(Utf8JsonWriter writer, SinkOptions? sink, bool withSecrets)
    {
        switch (sink)
        {
            case WebhookOptions webhook:
                writer.WriteString("url", webhook.Url);
                if (withSecrets)
                    writer.WriteString("secret", webhook.Secret.Reveal());
                writer.WriteString("timeout", Quantity.Format(webhook.Timeout));
                WriteText(writer, "caCertificates", webhook.CaCertificates);
                break;
            case JsonFileOptions files:
                writer.WriteString("directory", files.Directory);
                writer.WriteNumber("rotateSize", files.RotateBytes);
                writer.WriteString("rotateAfter", Quantity.Format(files.RotateAfter));
                break;
            case KafkaOptions kafka:
                writer.WriteString("bootstrapServers", kafka.BootstrapServers);
                writer.WriteString("topic", kafka.Topic);
                writer.WriteBoolean("tls", kafka.UsesTls);
                writer.WriteString("timeout", Quantity.Format(kafka.Timeout));
                WriteText(writer, "caCertificates", kafka.CaCertificates);
                WriteText(writer, "userName", kafka.UserName);
                if (withSecrets)
                    WriteText(writer, "password", kafka.Password?.Reveal());
                break;
        }
    }

    private static DispatchOptions ReadDispatch(JsonMembers members, DispatchOptions otherwise) => new()
    {
        BatchCountMax = members.Number("batchCount", otherwise.BatchCountMax),
        BatchBytesMax = (int)Math.Clamp(members.Size("batchSize", (long)otherwise.BatchBytesMax), 0, int.MaxValue),
        Linger = members.Duration("linger", otherwise.Linger),
        RetryDelay = members.Duration("retryDelay", otherwise.RetryDelay),
        RetryDelayMax = members.Duration("retryDelayMax", otherwise.RetryDelayMax),
        RetryAfterMax = members.Duration("retryAfterMax", otherwise.RetryAfterMax),
        MaxAge = members.Duration("maxAge", otherwise.MaxAge),
        RefusalsMax = members.Number("refusalsMax", otherwise.RefusalsMax),
        DeadAfter = members.Duration("deadAfter", otherwise.DeadAfter),
        SaveInterval = members.Duration("saveInterval", otherwise.SaveInterval),
    };

    private static void WriteDispatch(Utf8JsonWriter writer, DispatchOptions dispatch)
    {
        writer.WriteStartObject("delivery");
        writer.WriteNumber("batchCount", dispatch.BatchCountMax);
        writer.WriteNumber("batchSize", dispatch.BatchBytesMax);
        writer.WriteString("linger", Quantity.Format(dispatch.Linger));
        writer.WriteString("retryDelay", Quantity.Format(dispatch.RetryDelay));
        writer.WriteString("retryDelayMax", Quantity.Format(dispatch.RetryDelayMax));
        writer.WriteString("retryAfterMax", Quantity.Format(dispatch.RetryAfterMax));
        writer.WriteString("maxAge", Quantity.Format(dispatch.MaxAge));
        writer.WriteNumber("refusalsMax", dispatch.RefusalsMax);
        writer.WriteString("deadAfter", Quantity.Format(dispatch.DeadAfter));
        writer.WriteString("saveInterval", Quantity.Format(dispatch.SaveInterval));
        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string? text)
    {
        if (text is not null)
            writer.WriteString(name, text);
    }
}
