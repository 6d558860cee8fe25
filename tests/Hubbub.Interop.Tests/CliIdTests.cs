using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>A verb reaches what was named to it, or nothing.</summary>
public sealed class CliIdTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private static readonly string[][] VerbsOfDevices =
    [
        ["device", "create", "ID"], ["device", "show", "ID"], ["device", "delete", "ID"], ["device", "enable", "ID"],
        ["device", "disable", "ID"], ["connection-string", "--device", "ID"], ["send", "ID", "x"], ["c2d", "ID", "x"],
        ["listen", "ID"], ["c2d", "d1/ID", "x"], ["listen", "d1/ID"],
    ];

    private static readonly string[][] VerbsOfNames =
    [
        ["consumer-group", "create", "ID"], ["consumer-group", "delete", "ID"], ["policy", "remove", "ID"],
        ["policy", "add", "ID", "--rights", "RegistryRead"], ["policy", "regenerate", "ID", "--key", "primary"], ["ca", "remove", "ID"], ["route", "show", "ID"],
        ["route", "remove", "ID"], ["endpoint", "show", "ID"], ["endpoint", "remove", "ID"], ["enrichment", "remove", "ID"],
    ];

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a b")]
    [InlineData("d1/modules/m1")]
    [InlineData("é")]
    public async Task Id_ThatNoDeviceCanHave_IsRefusedAsSuch(string id)
    {
        foreach (var verb in Some(VerbsOfDevices, id))
        {
            // Where a module may stand behind the device, its id is what is wrong.
            var wrong = id[(id.IndexOf('/', StringComparison.Ordinal) + 1)..];
            (await RunAsync(verb, id)).Refused(verb[0] == "device" || verb[0] == "connection-string" ? id : wrong, "not valid");
        }
    }

    [Fact]
    public async Task Id_OfMoreCharactersThanAnyHas_IsRefusedAsSuch()
    {
        foreach (var verb in Some(VerbsOfDevices, "x"))
            (await RunAsync(verb, new string('x', 129))).Refused("not valid", "128");
        (await RunAsync(["device", "create", "ID"], new string('x', 128))).Done();
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    public async Task Name_ThatNothingCanHave_IsRefusedAsSuch(string name)
    {
        foreach (var verb in Some(VerbsOfNames, name))
            (await RunAsync(verb, name)).Refused($"'{name}' cannot be the name of");
    }

    [Theory]
    [InlineData("%41", "A")]
    [InlineData("%2541", "%41x")]
    [InlineData("a%23b", "a#b")]
    [InlineData("100%?x=1", null)]
    [InlineData("@:.+%_#*?!(),=-;$'", null)]
    public async Task Device_WhoseIdLooksEscaped_IsNeverMistaken(string id, string? other)
    {
        if (other is not null)
            (await RunAsync(["device", "create", "ID"], other)).Done();
        foreach (var verb in new[] { "show", "disable", "delete" })
            (await RunAsync(["device", verb, "ID"], id)).Refused(id, "not registered");

        (await RunAsync(["device", "create", "ID"], id)).Done();
        var shown = (await RunAsync(["device", "show", "ID", "--json"], id)).Json.Single();
        (await RunAsync(["send", "ID", "x"], id)).Done();
        (await RunAsync(["c2d", "ID", "x"], id)).Done();
        var received = (await RunAsync(["listen", "ID", "--count", "1", "--json"], id)).Json.Single();
        (await RunAsync(["device", "delete", "ID"], id)).Done();

        Assert.Equal(id, shown.Text("deviceId"));
        Assert.Equal("x", received.Text("body"));
        if (other is not null)
            Assert.Equal(other, (await RunAsync(["device", "show", "ID", "--json"], other)).Json.Single().Text("deviceId"));
    }

    [Theory]
    [InlineData("-:A")]
    [InlineData("-=A")]
    public async Task Device_WhoseIdLooksLikeAnOption_IsNamedBehindTwoDashes(string id)
    {
        var wrong = await RunAsync(["device", "delete", "ID"], id);
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains($"'{id}'", wrong.Error, StringComparison.Ordinal);

        (await Cli.RunBareAsync("device", "create", "--data", own.Hub.Data, "--", id)).Done();
        var shown = await Cli.RunBareAsync("device", "show", "--json", "--data", own.Hub.Data, "--", id);
        Assert.Equal(id, shown.Json.Single().Text("deviceId"));
    }

    /// <summary>Every verb for the empty id, a few for others: each is a process.</summary>
    private static IEnumerable<string[]> Some(string[][] verbs, string id) =>
        verbs.Where((_, i) => id.Length == 0 || i % 5 == 1);

    private Task<CliResult> RunAsync(string[] verb, string id) => Cli.RunAsync(
        own.Hub, [.. verb.Select(word => word.Replace("ID", id, StringComparison.Ordinal))]);
}
