using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hubbub.Cli.Commands;

/// <summary><c>hubbub ca ...</c>: the authorities whose certificates prove devices.</summary>
internal static class CertificateAuthorityCommand
{
    private const string Path = "/hubbub/certificates";
    private const int NameLengthMax = 64;

    private static readonly Argument<string> FileName =
        new("FILE") { Description = "The CA's certificate, PEM or DER. No key is needed, and none is read." };

    private static readonly Argument<string> NameOrFile =
        new("NAME") { Description = "The name under which it was added, or the file that was added." };

    private static readonly Option<string?> Name = new("--name")
    {
        Description = "What to call it. Default: the file's name without its ending.",
        HelpName = "NAME",
    };

    public static Command Create() => new("ca", "Add, list and remove certificate authorities of devices.")
    {
        HubVerb.Create(
            "add", "Trust a CA: its certificates prove devices of the kind certificateAuthority.",
            AddAsync, FileName, Name),
        HubVerb.Create("list", "List the trusted CAs.", ListAsync),
        HubVerb.Create("remove", "Trust a CA no more; devices that it proved are cut off.", RemoveAsync, NameOrFile),
    };

    private static async Task<int> AddAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var file = parsed.GetValue(FileName)!;
        var name = parsed.GetValue(Name) ?? NameOf(file);
        // Only the certificate goes on its way, whatever else stands in the file.
        var body = new JsonObject { ["certificate"] = Convert.ToBase64String(CertificateFile.ReadOne(file)) };
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var added = await rest.SendAsync(
            HttpMethod.Put, PathOf(name), body.ToJsonString(), null, $"CA '{name}' was not added", cancellationToken);
        if (added is not { } authority)
            return ExitCode.Done;
        if (parsed.GetValue(HubVerb.Json))
            Output.JsonLine(authority);
        else
        {
            var (subject, end) = (Output.TextOf(authority, "subject"), Output.TextOf(authority, "notAfter"));
            Console.Out.WriteLine($"{name}: {subject}, until {end}");
        }
        return ExitCode.Done;
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        var all = await GetAllAsync(rest, "CAs were not listed", cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
        {
            foreach (var authority in all)
                Output.JsonLine(authority);
            return ExitCode.Done;
        }
        Output.Table(
            ["Name", "Subject", "Until", "SHA-256"],
            all.Select(authority => new[]
            {
                Output.TextOf(authority, "name"),
                Output.TextOf(authority, "subject"),
                Output.TextOf(authority, "notAfter"),
                Output.TextOf(authority, "thumbprint"),
            }));
        return ExitCode.Done;
    }

    private static async Task<int> RemoveAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var name = parsed.GetValue(NameOrFile)!;
        var what = $"CA '{name}' was not removed";
        using var rest = new HubRest(HubVerb.HubOf(parsed));
        if (File.Exists(name))
        {
            var thumbprint = Convert.ToHexString(SHA256.HashData(CertificateFile.ReadOne(name)));
            var all = await GetAllAsync(rest, what, cancellationToken);
            name = all.Select(
                each => (Name: Output.TextOf(each, "name"), Thumbprint: Output.TextOf(each, "thumbprint")))
                .FirstOrDefault(each => each.Thumbprint == thumbprint).Name
                ?? throw new CommandFailedException($"{what}: the hub does not trust the certificate in that file.");
        }
        await rest.SendAsync(HttpMethod.Delete, PathOf(name), null, null, what, cancellationToken);
        if (parsed.GetValue(HubVerb.Json))
            Console.Out.WriteLine(new JsonObject { ["name"] = name, ["removed"] = true }.ToJsonString());
        return ExitCode.Done;
    }

    private static async Task<IReadOnlyList<JsonElement>> GetAllAsync(
        HubRest rest, string what, CancellationToken cancellationToken) =>
        await rest.SendAsync(HttpMethod.Get, Path, null, null, what, cancellationToken)
            is { ValueKind: JsonValueKind.Array } all ? [.. all.EnumerateArray()] : [];

    private static string NameOf(string file)
    {
        var name = string.Concat(System.IO.Path.GetFileNameWithoutExtension(file)
            .Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-'));
        return name.Length > NameLengthMax ? name[..NameLengthMax] : name;
    }

    private static string PathOf(string name) => $"{Path}/{PathSegment.Of(name, "a CA")}";
}
