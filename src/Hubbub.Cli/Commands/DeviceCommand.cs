using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub device ...</c>: the hub's registry of devices, over its HTTPS service.</summary>
internal static class DeviceCommand
{
    private static readonly Argument<string> Id = new("ID") { Description = "The device's id; case matters." };
    private static readonly Option<int> Top = NumberOption.Create(
        "--top", "At most so many devices, up to 1000.", 1000, 1, 1000);

    private static readonly Option<string[]> Certificate = new("--certificate")
    {
        Description =
            "Prove the device by this certificate (PEM or DER) instead of keys; give two to replace one later.",
        HelpName = "FILE",
        Arity = new ArgumentArity(1, 2),
    };
    private static readonly Option<bool> CaSigned = new("--ca-signed")
    {
        Description = "Prove the device by any certificate of its name from a CA that was added by 'hubbub ca add'.",
    };

    public static Command Create() =>
        new("device", "Create, list, show, enable, disable, delete, import and export devices.")
    {
        HubVerb.Create(
            "create", "Create a device, with two random keys unless told otherwise; prints its connection string.",
            CreateAsync, Id, Certificate, CaSigned),
        HubVerb.Create("list", "List devices.", ListAsync, Top),
        HubVerb.Create("show", "Show a device.", ShowAsync, Id),
        HubVerb.Create("delete", "Delete a device.", DeleteAsync, Id),
        HubVerb.Create("enable", "Let a device connect.", (p, c) => SetAsync(p, "enabled", c), Id),
        HubVerb.Create(
            "disable", "Keep a device out; cut it off if it is connected.", (p, c) => SetAsync(p, "disabled", c), Id),
        DeviceImport.Create(),
        DeviceExport.Create(),
    };

    /// <summary>The device as the hub shows it.</summary>
    public static async Task<JsonElement> GetAsync(
        HubRest rest, string id, string what, CancellationToken cancellationToken) =>
        await rest.SendAsync(
            HttpMethod.Get, IdentityName.OfDevice(id).RegistryPath, null, null, what, cancellationToken)
        ?? throw new CommandFailedException($"{what}: the hub sent nothing.");

    /// <summary>The string that a device's program connects with.</summary>
    public static string ConnectionStringOf(HubAddress hub, JsonElement device)
    {
        var id = Output.TextOf(device, "deviceId");
        var key = Output.TextOf(device, "authentication", "symmetricKey", "primaryKey");
        return key.Length > 0
            ? $"HostName={hub.HostName};DeviceId={id};SharedAccessKey={key}"
            : $"HostName={hub.HostName};DeviceId={id};x509=true";
    }

    private static async Task<int> CreateAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (hub, id) = (HubVerb.HubOf(parsed), parsed.GetValue(Id)!);
        using var rest = new HubRest(hub);
        var description = new JsonObject { ["deviceId"] = id, ["status"] = "enabled" };
        if (AuthenticationOf(parsed) is { } authentication)
            description["authentication"] = authentication;
        var device = await rest.SendAsync(
            HttpMethod.Put,
            IdentityName.OfDevice(id).RegistryPath,
            description.ToJsonString(),
            null,
            $"device '{id}' was not created",
            cancellationToken);
        if (device is { } created)
        {
            if (parsed.GetValue(HubVerb.Json))
                Output.JsonLine(created);
            else
                Console.Out.WriteLine(ConnectionStringOf(hub, created));
        }
        return ExitCode.Done;
    }

    /// <summary>What proves the device, where it is not keys that the hub makes up.</summary>
    private static JsonObject? AuthenticationOf(ParseResult parsed)
    {
        var files = parsed.GetValue(Certificate) ?? [];
        if (parsed.GetValue(CaSigned))
        {
            return files.Length == 0
                ? new JsonObject { ["type"] = "certificateAuthority" }
                : throw new CommandFailedException("--ca-signed goes without --certificate.", ExitCode.Usage);
        }
        if (files.Length == 0)
            return null;
        return new JsonObject
        {
            ["type"] = "selfSigned",
            ["x509Thumbprint"] = new JsonObject
            {
                ["primaryThumbprint"] = CertificateFile.ThumbprintOf(files[0]),
                ["secondaryThumbprint"] = files.Length == 2 ? CertificateFile.ThumbprintOf(files[1]) : null,
            },
        };
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var path = $"/devices?top={parsed.GetValue(Top)}";
        var devices = await rest.SendAsync(
            HttpMethod.Get, path, null, null, "devices were not listed", cancellationToken);
        if (devices is not { ValueKind: JsonValueKind.Array } list)
            return ExitCode.Done;
        var sorted = list.EnumerateArray().OrderBy(device => Output.TextOf(device, "deviceId"), StringComparer.Ordinal);
        if (parsed.GetValue(HubVerb.Json))
        {
            foreach (var device in sorted)
                Output.JsonLine(device);
            return ExitCode.Done;
        }
        Output.Table(
            ["Device", "Status", "Connection", "Authentication", "Last activity"],
            sorted.Select(device => new[]
            {
                Output.TextOf(device, "deviceId"),
                Output.TextOf(device, "status"),
                Output.TextOf(device, "connectionState"),
                Output.TextOf(device, "authentication", "type"),
                TimeOf(device, "lastActivityTime"),
            }));
        return ExitCode.Done;
    }

    private static async Task<int> ShowAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var (hub, id) = (HubVerb.HubOf(parsed), parsed.GetValue(Id)!);
        using var rest = new HubRest(hub);
        var device = await GetAsync(rest, id, $"device '{id}' was not shown", cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
        {
            Output.JsonLine(device);
            return ExitCode.Done;
        }
        Output.Table(
            ["Device", id],
            [
                ["status", Output.TextOf(device, "status")],
                ["status reason", Output.TextOf(device, "statusReason")],
                ["connection", Output.TextOf(device, "connectionState")],
                ["last activity", TimeOf(device, "lastActivityTime")],
                ["waiting commands", Output.TextOf(device, "cloudToDeviceMessageCount")],
                ["authentication", Output.TextOf(device, "authentication", "type")],
                ["connection string", ConnectionStringOf(hub, device)],
                ["generation", Output.TextOf(device, "generationId")],
            ]);
        return ExitCode.Done;
    }

    private static async Task<int> DeleteAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var id = parsed.GetValue(Id)!;
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        await rest.SendAsync(
            HttpMethod.Delete, IdentityName.OfDevice(id).RegistryPath, null, "\"*\"", $"device '{id}' was not deleted",
            cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
            Console.Out.WriteLine(new JsonObject { ["deviceId"] = id, ["deleted"] = true }.ToJsonString());
        return ExitCode.Done;
    }

    private static async Task<int> SetAsync(ParseResult parsed, string status, CancellationToken cancellationToken)
    {
        var id = parsed.GetValue(Id)!;
        var what = $"device '{id}' was not {status}";
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var device = await GetAsync(rest, id, what, cancellationToken);
        var changed = JsonObject.Create(device) ?? throw new CommandFailedException($"{what}: the hub sent no device.");
        changed["status"] = status;
        // With the tag that was read: a change that somebody else made in between is not undone.
        var etag = $"\"{Output.TextOf(device, "etag")}\"";
        var result = await rest.SendAsync(
            HttpMethod.Put, IdentityName.OfDevice(id).RegistryPath, changed.ToJsonString(), etag, what,
            cancellationToken);
        if (parsed.GetValue(HubVerb.Json) && result is { } updated)
            Output.JsonLine(updated);
        return ExitCode.Done;
    }

    /// <summary>The year 1 stands for "never".</summary>
    private static string TimeOf(JsonElement device, string name)
    {
        var time = Output.TextOf(device, name);
        return time.StartsWith("0001-", StringComparison.Ordinal) ? "never" : time;
    }
}
