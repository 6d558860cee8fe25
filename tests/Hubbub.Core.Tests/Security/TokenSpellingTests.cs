using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Hubbub.Core.Security;

namespace Hubbub.Core.Tests.Security;

/// <summary>Every way in which clients spell a token that must be accepted.</summary>
public sealed partial class TokenSpellingTests
{
    private const string AwkwardId = "x+y=z@w(1)!*';,:#?$_.-";

    private static readonly string[] Ids = ["device1", AwkwardId, "a%b", "100%", "a%41", "aA", "a%2f%20"];

    public static TheoryData<string> DeviceIds => [.. Ids];

    [Theory]
    [MemberData(nameof(DeviceIds))]
    public async Task Node_EscapesEverythingInLowerCase_AndPutsTheExpiryLast(string id)
    {
        var hub = await TestHub.StartAsync(Ids);
        var sr = LowerHex(Uri.EscapeDataString($"{TestHub.Host}/devices/{id}"));
        var sig = Uri.EscapeDataString(TestHub.Sign(hub.Key(id), sr, TestHub.InOneHour));

        AssertIsDevice(hub, id, $"SharedAccessSignature sr={sr}&sig={sig}&se={TestHub.InOneHour}");
    }

    [Theory]
    [MemberData(nameof(DeviceIds))]
    public async Task CSharp_EscapesTheIdTwice(string id)
    {
        var hub = await TestHub.StartAsync(Ids);
        var sr = WebUtility.UrlEncode($"{TestHub.Host}/devices/{WebUtility.UrlEncode(id)}");
        var sig = WebUtility.UrlEncode(TestHub.Sign(hub.Key(id), sr, TestHub.InOneHour));

        AssertIsDevice(hub, id, $"SharedAccessSignature sr={sr}&sig={sig}&se={TestHub.InOneHour}");
    }

    [Theory]
    [MemberData(nameof(DeviceIds))]
    public async Task C_EscapesNothing_AndSendsAnEmptyPolicyName(string id)
    {
        var hub = await TestHub.StartAsync(Ids);
        if (id.Contains('&', StringComparison.Ordinal))
            return;
        var sr = $"{TestHub.Host}/devices/{id}";
        var sig = Uri.EscapeDataString(TestHub.Sign(hub.Key(id), sr, TestHub.InOneHour));

        AssertIsDevice(hub, id, $"SharedAccessSignature sr={sr}&sig={sig}&se={TestHub.InOneHour}&skn=");
    }

    [Theory]
    [InlineData("sr={sr}&sig={sig}&se={se}")]
    [InlineData("se={se}&sig={sig}&sr={sr}")]
    [InlineData("sig={sig}&skn=&se={se}&sr={sr}")]
    [InlineData("SR={sr}&Sig={sig}&SE={se}&SKN=")]
    [InlineData("sr={sr}&sig={sig}&se={se}&spr=https&unknown=1&unknown=2")]
    public async Task Fields_ComeInAnyOrderAndCase_AndUnknownOnesAreIgnored(string form)
    {
        var hub = await TestHub.StartAsync(["device1"]);
        var sr = $"{TestHub.Host}%2fdevices%2fdevice1";
        var sig = Uri.EscapeDataString(TestHub.Sign(hub.Key("device1"), sr, TestHub.InOneHour));
        var fields = form.Replace("{sr}", sr, StringComparison.Ordinal)
            .Replace("{sig}", sig, StringComparison.Ordinal)
            .Replace("{se}", $"{TestHub.InOneHour}", StringComparison.Ordinal);

        AssertIsDevice(hub, "device1", $"SharedAccessSignature {fields}");
        AssertIsDevice(hub, "device1", $"sharedaccesssignature {fields}");
    }

    [Fact]
    public async Task Signature_MayBeEscapedInFull_InLowerCase_OrNotAtAll()
    {
        var hub = await TestHub.StartAsync(["device1"]);
        var sr = $"{TestHub.Host}%2Fdevices%2Fdevice1";
        // Expiries are tried until the signature holds both awkward characters of base64.
        var expiry = Enumerable.Range(0, 10_000).Select(i => TestHub.InOneHour + i).First(e =>
            TestHub.Sign(hub.Key("device1"), sr, e) is var s && s.Contains('+') && s.Contains('/'));
        var sig = TestHub.Sign(hub.Key("device1"), sr, expiry);

        foreach (var spelling in new[]
        {
            Uri.EscapeDataString(sig),
            LowerHex(Uri.EscapeDataString(sig)),
            Uri.EscapeDataString(sig).Replace("%2F", "/", StringComparison.Ordinal), // Python leaves the slash.
            sig,
            string.Concat(sig.Select(c => $"%{(int)c:X2}")),
        })
            AssertIsDevice(hub, "device1", $"SharedAccessSignature sr={sr}&sig={spelling}&se={expiry}");
    }

    [Fact]
    public async Task Expiry_MayBeAFractionOfHandWrittenClients_SignedAsSent()
    {
        var hub = await TestHub.StartAsync(["device1"]);
        var sr = $"{TestHub.Host}/devices/device1";
        var se = $"{TestHub.InOneHour}.4375";
        var sig = Uri.EscapeDataString(TestHub.Sign(Convert.FromBase64String(hub.Key("device1")), sr, se));

        var claim = hub.Authenticator.Verify($"SharedAccessSignature sr={sr}&sig={sig}&se={se}");

        Assert.Null(claim.Error);
        Assert.Equal(TestHub.Now.AddHours(1), claim.Value.ExpiresAt);
    }

    [Theory]
    [InlineData("factory.example.org")]
    [InlineData("FACTORY.EXAMPLE.ORG")]
    [InlineData("gateway.local")]
    [InlineData("10.1.2.3")]
    [InlineData("gateway.local:5671")]
    [InlineData("amqps://Factory.Example.org:5671")]
    [InlineData("https://factory.example.org")]
    [InlineData("sb://factory.example.org")]
    public async Task Host_MayBeAnyOfTheHubs_InAnyCase_WithSchemeAndPort(string host)
    {
        var hub = await TestHub.StartAsync(["device1"]);

        AssertIsDevice(hub, "device1", TestHub.Token(hub.Key("device1"), Uri.EscapeDataString($"{host}/devices/device1")));
        AssertIsDevice(hub, "device1", TestHub.Token(hub.Key("device1"), Uri.EscapeDataString($"{host}/devices/device1/")));
    }

    [Fact]
    public async Task Module_IsNamedBelowItsDevice_InEverySpelling()
    {
        var hub = await TestHub.StartAsync(["a%b"]);
        var module = await hub.AddModuleAsync("a%b", "m#1");
        var key = module.Authentication.Keys!.Secondary.Reveal();
        foreach (var sr in new[]
        {
            Uri.EscapeDataString($"{TestHub.Host}/devices/a%b/modules/m#1"),
            WebUtility.UrlEncode($"{TestHub.Host}/devices/{WebUtility.UrlEncode("a%b")}/modules/{WebUtility.UrlEncode("m#1")}"),
        })
        {
            var claim = hub.Authenticator.Verify(TestHub.Token(key, sr));
            Assert.Null(claim.Error);
            Assert.Equal((ClaimKind.Module, "a%b", "m#1"), (claim.Value.Kind, claim.Value.DeviceId, claim.Value.ModuleId));
            Assert.Equal(module.GenerationId, claim.Value.GenerationId);
            Assert.Contains("\"scope\":\"module\"", claim.Value.AuthMethod, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Factory.Example.org")] // Node, C, goiot: the bare host.
    [InlineData("https%3A%2F%2Ffactory.example.org")] // Python service.
    [InlineData("Factory.Example.org%2Fmessages%2Fevents")] // Explorer, conversion samples.
    [InlineData("sb%3a%2f%2ffactory.example.org%2f" + TestHub.Entity)] // Event Hubs clients, in lower case.
    [InlineData("amqps%3A%2F%2Ffactory.example.org%3A5671%2F" + TestHub.Entity)] // uamqp after the redirect, with port.
    public async Task Policy_SignsWithTheDecodedKeyOrWithTheTextOfIt(string sr)
    {
        var hub = await TestHub.StartAsync([]);
        var keys = hub.Policies.Find("service")!.Keys;
        foreach (var text in new[] { keys.Primary.Reveal(), keys.Secondary.Reveal() })
        {
            foreach (var key in new[] { Convert.FromBase64String(text), Encoding.UTF8.GetBytes(text) })
            {
                var sig = LowerHex(Uri.EscapeDataString(TestHub.Sign(key, sr, $"{TestHub.InOneHour}")));
                var claim = hub.Authenticator.Verify(
                    $"SharedAccessSignature sr={sr}&sig={sig}&skn=service&se={TestHub.InOneHour}");

                Assert.Null(claim.Error);
                Assert.Equal("service", claim.Value.PolicyName);
                Assert.True(claim.Value.AllowsEntity(TestHub.Entity, "ConsumerGroups/$Default/Partitions/0"));
                Assert.Contains("\"scope\":\"hub\"", claim.Value.AuthMethod, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task PolicyName_MayBeEscaped()
    {
        var hub = await TestHub.StartAsync([]);
        var token = hub.PolicyToken("iothubowner", TestHub.Host).Replace("skn=iothubowner", "skn=%69othubowner", StringComparison.Ordinal);

        Assert.Equal("iothubowner", hub.Authenticator.Verify(token).Value.PolicyName);
    }

    private static void AssertIsDevice(TestHub hub, string id, string token)
    {
        var claim = hub.Authenticator.Verify(token);
        Assert.Null(claim.Error);
        Assert.Equal(ClaimKind.Device, claim.Value.Kind);
        Assert.Equal(id, claim.Value.DeviceId);
        Assert.Equal(hub.Registry.FindDevice(id)!.GenerationId, claim.Value.GenerationId);
        Assert.True(claim.Value.AllowsDevice(id, null, "messages/events"));
    }

    private static string LowerHex(string escaped) => HexPair().Replace(escaped, m => m.Value.ToLowerInvariant());

    [GeneratedRegex("%[0-9A-F]{2}")]
    private static partial Regex HexPair();
}
