using System.Text;
using Hubbub.Core.Security;

namespace Hubbub.Core.Tests.Security;

/// <summary>
/// Tokens that somebody without the right key would try: ten thousand from a seed, and every single bit of a hundred
/// signatures. None opens anything that is not its maker's; the tokens that they were made from all do.
/// </summary>
public sealed class ForgedTokenTests
{
    private const int ForgeriesMin = 10_000;
    private static readonly string[] s_ids = ["dev1", "dev10", "Dev1", "dev", "dev1%2F", "attacker", "a.b", "x:y", "d+e", "100%"];

    [Fact]
    public async Task Forgeries_OfEveryFamily_OpenNothing()
    {
        var seed = Seeds.Get();
        var hub = await TestHub.StartAsync(s_ids);
        foreach (var id in s_ids)
            await hub.AddModuleAsync(id, "m");
        var forger = new TokenForger(hub, s_ids, new Random(seed));
        var families = new Dictionary<string, int>();

        for (var i = 0; i < ForgeriesMin || families.Count < TokenForger.Families.Count; i++)
        {
            var forgery = forger.Next(i);
            families[forgery.Family] = families.GetValueOrDefault(forgery.Family) + 1;
            var verified = hub.Authenticator.Verify(forgery.Token);
            if (verified.IsOk)
                AssertHarmless(verified.Value, forgery, seed);
        }

        Assert.All(TokenForger.Families, family => Assert.True(families.GetValueOrDefault(family) > 50, family));
        Assert.True(forger.Controls.Count > 1_000);
        Assert.All(forger.Controls, token => Assert.True(hub.Authenticator.Verify(token).IsOk, token));
    }

    [Fact]
    public async Task Signatures_WithOneBitFlipped_AreAllRefused()
    {
        var hub = await TestHub.StartAsync(["d1", "d2"]);
        var flips = 0;
        for (var i = 0; i < 100; i++)
        {
            var expiry = TestHub.InOneHour + i;
            var (key, resource, policy) = (i % 3) switch
            {
                0 => (hub.Key("d1"), $"{TestHub.Host}/devices/d1", null),
                1 => (hub.Key("d2"), $"{TestHub.Host}/devices/d2", (string?)null),
                _ => (hub.PolicyKey("service"), TestHub.Host, "service"),
            };
            Assert.True(hub.Authenticator.Verify(TestHub.Token(key, resource, policy, expiry)).IsOk);
            var signature = Convert.FromBase64String(TestHub.Sign(key, resource, expiry));
            for (var bit = 0; bit < 8 * signature.Length; bit++, flips++)
            {
                signature[bit / 8] ^= (byte)(1 << (bit % 8));
                var forged = $"SharedAccessSignature sr={resource}&sig={Uri.EscapeDataString(Convert.ToBase64String(signature))}"
                    + $"&se={expiry}{(policy is null ? "" : "&skn=" + policy)}";
                Assert.False(hub.Authenticator.Verify(forged).IsOk, forged);
                signature[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
        Assert.Equal(25_600, flips);
    }

    /// <summary>A token that its maker may make opens his own device at most.</summary>
    private static void AssertHarmless(Claim claim, Forgery forgery, int seed)
    {
        var about = $"seed {seed}, {forgery.Family}: {forgery.Token}";
        Assert.True(forgery.OwnDevice is not null, about);
        foreach (var id in s_ids)
        {
            foreach (var path in (string[])["", "messages/events", "messages/devicebound", "methods/devicebound", "twin"])
            {
                Assert.True(!claim.AllowsDevice(id, "m", path) || (forgery.OwnModule && id == forgery.OwnDevice), about);
                Assert.True(!claim.AllowsDevice(id, null, path) || (!forgery.OwnModule && id == forgery.OwnDevice), about);
            }
            Assert.False(claim.AllowsService(AccessRights.RegistryRead, $"devices/{id}"), about);
        }
        foreach (var right in (AccessRights[])[AccessRights.RegistryRead, AccessRights.RegistryWrite, AccessRights.ServiceConnect])
            Assert.False(claim.AllowsService(right, "messages/devicebound"), about);
        Assert.False(claim.AllowsEntity(TestHub.Entity, "ConsumerGroups/$Default/Partitions/0"), about);
    }
}

/// <param name="Family">What kind of forgery it is.</param>
/// <param name="OwnDevice">Whose key the forger really has; null for nobody's.</param>
internal sealed record Forgery(string Family, string Token, string? OwnDevice = null, bool OwnModule = false);

/// <summary>Makes tokens that must not open anything that is not their maker's.</summary>
internal sealed class TokenForger(TestHub hub, string[] ids, Random random)
{
    private static readonly (string Name, Func<TokenForger, Forgery> Make)[] s_families =
    [
        ("resource changed", f => f.ChangedResource()),
        ("expiry changed", f => f.ChangedExpiry()),
        ("signature random", f => f.Unsigned(f.Base64(32))),
        ("signature of another length", f => f.Unsigned(f.Base64(f.Pick(0, 1, 16, 31, 33, 64)))),
        ("signature of another token", f => f.Unsigned(f.SignatureOf(f.Id(), f.Pick(ids: f.Ids)))),
        ("signature with loose bits", f => f.LooseBits()),
        ("key of another device", f => f.SignedBy(f.hub.Key("attacker"), f.Victim(), own: null)),
        ("key of the module for the device", f => f.CrossModule(keyOfModule: true)),
        ("key of the device for the module", f => f.CrossModule(keyOfModule: false)),
        ("key of a policy without its name", f => f.SignedBy(f.hub.PolicyKey(f.Policy()), f.Victim(), own: null)),
        ("key of a device with a policy's name", f => f.NamedPolicy(f.hub.Key("attacker"))),
        ("key of another policy", f => f.OtherPolicy()),
        ("policy's name removed", f => f.WithoutPolicy()),
        ("key that everybody knows", f => f.SignedBy(
            Convert.ToBase64String(new byte[f.Pick(1, 16, 32, 64)]), f.Victim(), own: null)),
        ("key's text for a device", f => f.KeyText()),
        ("expired", f => f.Expired()),
        ("expiry that is no number", f => f.OddExpiry()),
        ("field twice", f => f.Twice()),
        ("field missing or empty", f => f.Missing()),
        ("scheme or text broken", f => f.Broken()),
        ("resource beside the own", f => f.Beside()),
        ("other hub", f => f.OtherHub()),
        ("signed over another spelling", f => f.OtherSpelling()),
    ];

    private readonly TestHub hub = hub;

    public static IReadOnlyList<string> Families { get; } = [.. s_families.Select(each => each.Name)];

    /// <summary>The good tokens from which others were made.</summary>
    public List<string> Controls { get; } = [];

    private string[] Ids => ids;

    public Forgery Next(int i)
    {
        var (name, make) = s_families[i % s_families.Length];
        return make(this) with { Family = name };
    }

    private Forgery ChangedResource()
    {
        var resource = Resource(Id());
        var token = Good(Id(), out var id);
        var sr = Field(token, "sr");
        var changed = random.Next(3) switch
        {
            0 => resource == sr ? Resource(id + "x") : resource,
            1 => sr[..^random.Next(1, 4)],
            _ => sr + Pick("/", "x", "%2F", "/modules/m", "/..", "%20")[..],
        };
        return new("", token.Replace($"sr={sr}&", $"sr={changed}&", StringComparison.Ordinal), changed == sr ? id : null);
    }

    private Forgery ChangedExpiry()
    {
        var token = Good(Id(), out _);
        return new("", token.Replace($"se={Field(token, "se")}", $"se={TestHub.InOneHour + random.Next(1, 1_000_000)}", StringComparison.Ordinal));
    }

    private Forgery Unsigned(string signature) =>
        new("", $"SharedAccessSignature sr={Resource(Victim())}&sig={Uri.EscapeDataString(signature)}&se={TestHub.InOneHour + 1}{Name()}");

    private Forgery LooseBits()
    {
        // Base64 of 32 bytes ends with two unused bits: another last character would decode to the same bytes.
        var token = Good(Id(), out _);
        var signature = Uri.UnescapeDataString(Field(token, "sig"));
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        var last = Alphabet.IndexOf(signature[^2], StringComparison.Ordinal);
        var loose = signature[..^2] + Alphabet[last + random.Next(1, 4)] + "=";
        return new("", token.Replace(Field(token, "sig"), Uri.EscapeDataString(loose), StringComparison.Ordinal));
    }

    private Forgery SignedBy(string key, string id, string? own, string? policy = null) =>
        new("", TestHub.Token(key, Resource(id), policy, TestHub.InOneHour + random.Next(1000)), own);

    private Forgery CrossModule(bool keyOfModule)
    {
        var id = Victim();
        var moduleKey = hub.Registry.FindModule(id, "m")!.Authentication.Keys!.Primary.Reveal();
        var (key, resource) = keyOfModule ? (moduleKey, Resource(id)) : (hub.Key(id), Resource(id) + Pick("/modules/m", "%2Fmodules%2Fm"));
        return new("", TestHub.Token(key, resource));
    }

    private Forgery NamedPolicy(string key) => new("", TestHub.Token(key, Pick(TestHub.Host, Resource(Victim())), Policy()));

    private Forgery OtherPolicy()
    {
        string[] all = ["device", "service", "registryRead", "registryReadWrite", "iothubowner"];
        var i = random.Next(all.Length);
        return new("", TestHub.Token(hub.PolicyKey(all[i]), TestHub.Host, all[(i + random.Next(1, all.Length)) % all.Length]));
    }

    private Forgery WithoutPolicy()
    {
        var token = TestHub.Token(hub.PolicyKey("iothubowner"), Pick(TestHub.Host, Resource(Victim())), "iothubowner");
        Controls.Add(token);
        return new("", token.Replace("&skn=iothubowner", Pick("", "&skn=", "&skn=nobody", "&skn=%00", "&sk=iothubowner"), StringComparison.Ordinal));
    }

    private Forgery KeyText()
    {
        var id = Victim();
        var se = $"{TestHub.InOneHour}";
        var sig = TestHub.Sign(Encoding.UTF8.GetBytes(hub.Key(id)), Resource(id), se);
        return new("", $"SharedAccessSignature sr={Resource(id)}&sig={Uri.EscapeDataString(sig)}&se={se}");
    }

    private Forgery Expired()
    {
        var id = Id();
        var past = TestHub.Now.ToUnixTimeSeconds() - 301 - random.Next(100_000_000);
        return new("", TestHub.Token(hub.Key(id), Resource(id), null, past));
    }

    private Forgery OddExpiry()
    {
        var id = Id();
        var good = TestHub.InOneHour;
        var se = Pick(
            "", "-1", $"-{good}", $"+{good}", $" {good}", $"{good} ", $"0x{good:x}", "1e12", "NaN", "Infinity", $"{good}.", $".{good}",
            $"{good}.5.5", $"{good},0", "9007199254740993", "99999999999999999999", $"{good}a", $"{good}%30", "%32", "١٧٧٢", $"{good}\n");
        return new("", Signed(hub.Key(id), Resource(id), se));
    }

    private Forgery Twice()
    {
        var token = Good(Id(), out _);
        var name = Pick("sr", "sig", "se", "SR", "Sig", "sE");
        return new("", token + $"&{name}={Field(token, name.ToLowerInvariant())}");
    }

    private Forgery Missing()
    {
        var token = Good(Id(), out _);
        var name = Pick("sr", "sig", "se");
        var field = $"{name}={Field(token, name)}";
        return new("", token.Replace(field, Pick($"{name}=", "", name, $"x{field}", $"{name}=="), StringComparison.Ordinal));
    }

    private Forgery Broken()
    {
        var token = Good(Id(), out _);
        return new("", random.Next(8) switch
        {
            0 => token.Replace("SharedAccessSignature ", Pick("", "Bearer ", "SharedAccessSignature", "SharedAccessKey "), StringComparison.Ordinal),
            1 => token + Pick("\n", "\0", " ", "\t", "é", "&", "&=", "&&"),
            2 => token[..random.Next(token.Length)],
            3 => token.Insert(random.Next(22, token.Length), Pick("\r\n", "\0", " ", "К")),
            4 => token + new string('x', 2048),
            5 => "",
            6 => token.Replace("&", Pick(";", "%26", ","), StringComparison.Ordinal),
            _ => string.Concat(token.Reverse()),
        });
    }

    /// <summary>A device signs for what lies beside, above or below itself.</summary>
    private Forgery Beside()
    {
        var victim = Victim();
        var resource = Pick(
            TestHub.Host, $"{TestHub.Host}/", $"{TestHub.Host}/devices", $"{TestHub.Host}/devices/",
            $"{TestHub.Host}/devices/attacker/../{victim}", $"{TestHub.Host}/devices/attacker%2F..%2F{victim}",
            $"{TestHub.Host}/devices/attacker%252F..%252F{victim}", $"{TestHub.Host}/devices//{victim}",
            $"{TestHub.Host}/devices/attacker;{victim}", $"{TestHub.Host}/devices/./{victim}", $"{TestHub.Host}/devices/ATTACKER",
            $"{TestHub.Host}/messages/events", $"{TestHub.Host}/devices/attacker/modules/m", $"{TestHub.Host}/devices/attacker%00/{victim}",
            $"{TestHub.Host}/twins/{victim}", $"{TestHub.Host}/devices/{victim}/modules/m", $"{TestHub.Host}/modules/{victim}",
            $"{TestHub.Host}/devices/attacker/messages/events", $"{TestHub.Host}/devices/attacker/devices/{victim}",
            $"{TestHub.Host}/{TestHub.Entity}", $"{TestHub.Host}/$management", $"{TestHub.Host}/devices/attacker?x={victim}",
            $"{TestHub.Host}/devices/attacker%23{victim}", $"sb://{TestHub.Host}/devices/{victim}", $"{TestHub.Host}/devices/*");
        return new("", TestHub.Token(hub.Key("attacker"), resource), OwnDevice: "attacker");
    }

    private Forgery OtherHub()
    {
        var id = Id();
        var host = Pick(
            "evil.example.org", $"{TestHub.Host}.evil.org", $"evil{TestHub.Host}", "example.org", "", "*", $"{TestHub.Host}@evil.org",
            $"evil.org@{TestHub.Host}", $"evil.org#{TestHub.Host}", $"{TestHub.Host}%00", $"{TestHub.Host}.", "localhost");
        return new("", TestHub.Token(hub.Key(id), $"{host}/devices/{id}"));
    }

    private Forgery OtherSpelling()
    {
        var id = Pick("dev1", "attacker", "dev");
        var plain = $"{TestHub.Host}/devices/{id}";
        var (signed, sent) = random.Next(2) == 0 ? (plain, Uri.EscapeDataString(plain)) : (Uri.EscapeDataString(plain), plain);
        var token = TestHub.Token(hub.Key(id), signed);
        Controls.Add(token);
        return new("", token.Replace($"sr={signed}&", $"sr={sent}&", StringComparison.Ordinal));
    }

    private string Good(string wanted, out string id)
    {
        id = wanted;
        var token = TestHub.Token(hub.Key(id), Resource(id));
        Controls.Add(token);
        return token;
    }

    private static string Signed(string key, string resource, string se) =>
        $"SharedAccessSignature sr={resource}&sig={Uri.EscapeDataString(TestHub.Sign(Convert.FromBase64String(key), resource, se))}&se={se}";

    private string SignatureOf(string id, string other) => TestHub.Sign(hub.Key(other), Resource(id), TestHub.InOneHour);

    private static string Resource(string id) => Uri.EscapeDataString($"{TestHub.Host}/devices/{id}");

    private static string Field(string token, string name) =>
        token[(token.IndexOf(' ', StringComparison.Ordinal) + 1)..].Split('&')
            .First(f => f.StartsWith(name + "=", StringComparison.Ordinal))[(name.Length + 1)..];

    private string Id() => ids[random.Next(ids.Length)];

    private string Victim() => ids.Where(id => id != "attacker").ElementAt(random.Next(ids.Length - 1));

    private string Policy() => Pick("iothubowner", "service", "device", "IOTHUBOWNER", "registryReadWrite");

    private string Name() => Pick("", "", "&skn=", "&skn=iothubowner", "&skn=device");

    private T Pick<T>(params T[] choices) => choices[random.Next(choices.Length)];

    private string Pick(string[] ids) => ids[random.Next(ids.Length)];

    private string Base64(int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return Convert.ToBase64String(bytes);
    }
}
