using CsCheck;
using Hubbub.Core.Identities;
using Hubbub.Core.Security;

namespace Hubbub.Core.Tests.Security;

/// <summary>Tokens that must be refused, and what the refusal says.</summary>
public sealed class TokenRefusalTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("SharedAccessSignature")]
    [InlineData("SharedAccessSignature ")]
    [InlineData("SharedAccessSignatur sr={sr}&sig={sig}&se={se}")]
    [InlineData("Bearer eyJhbGciOiJub25lIn0.e30.")]
    [InlineData("SharedAccessSignature  sr={sr}&sig={sig}&se={se}")]
    [InlineData("SharedAccessSignature\tsr={sr}&sig={sig}&se={se}")]
    [InlineData(" SharedAccessSignature sr={sr}&sig={sig}&se={se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se={se} ")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}")]
    [InlineData("SharedAccessSignature sr={sr}&se={se}")]
    [InlineData("SharedAccessSignature sig={sig}&se={se}")]
    [InlineData("SharedAccessSignature sr=&sig={sig}&se={se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig=&se={se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se=")]
    [InlineData("SharedAccessSignature sr={sr}&sr={sr}&sig={sig}&se={se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se={se}&SE={se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&sig={sig}&se={se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se={se}&skn=&skn=")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se={se}&")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se={se}&=x")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}A&se={se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig=%00{sig}&se={se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se=-{se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se=+{se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se={se}e3")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se={se}.")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se=.5")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se=0x{se}")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se=9007199254740993")]
    [InlineData("SharedAccessSignature sr={sr}&sig={sig}&se=99999999999999999999")]
    [InlineData("SharedAccessSignature sr={sr}é&sig={sig}&se={se}")]
    [InlineData("SharedAccessSignature sr={sr}\0&sig={sig}&se={se}")]
    public async Task MalformedToken_IsUnauthorized_AndItsSignatureIsNotQuoted(string form)
    {
        var hub = await TestHub.StartAsync(["d1"]);
        var sr = $"{TestHub.Host}%2Fdevices%2Fd1";
        var sig = Uri.EscapeDataString(TestHub.Sign(hub.Key("d1"), sr, TestHub.InOneHour));
        var token = form.Replace("{sr}", sr, StringComparison.Ordinal).Replace("{sig}", sig, StringComparison.Ordinal)
            .Replace("{se}", $"{TestHub.InOneHour}", StringComparison.Ordinal);

        var error = hub.Authenticator.Verify(token).Error;

        Assert.Equal(HubErrorCode.Unauthorized, error?.Code);
        Assert.DoesNotContain(sig, error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_OfMoreThan2048Characters_IsRefused_OfThatManyNot()
    {
        var hub = await TestHub.StartAsync(["d1"]);
        var token = hub.DeviceToken("d1") + "&pad=";
        var longest = token.PadRight(SecurityLimits.TokenLengthMax, 'x');

        Assert.Null(hub.Authenticator.Verify(longest).Error);
        Assert.Equal(HubErrorCode.Unauthorized, hub.Authenticator.Verify(longest + "x").Error?.Code);
    }

    [Fact]
    public async Task EverySingleBitFlip_OfSignatureResourceAndExpiry_IsRefused()
    {
        var hub = await TestHub.StartAsync(["d1", "e1", "d0"]);
        var tokens = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            var sr = $"{TestHub.Host}/devices/d1";
            var se = TestHub.InOneHour + i;
            tokens.Add($"SharedAccessSignature sr={sr}&sig={TestHub.Sign(hub.Key("d1"), sr, se)}&se={se}");
        }
        foreach (var token in tokens)
        {
            Assert.Null(hub.Authenticator.Verify(token).Error);
            for (var i = token.IndexOf('=', StringComparison.Ordinal) + 1; i < token.Length; i++)
            {
                for (var bit = 0; bit < 16; bit++)
                {
                    var flipped = token[..i] + (char)(token[i] ^ (1 << bit)) + token[(i + 1)..];
                    if (IsInFieldName(token, i))
                        continue;
                    Assert.False(hub.Authenticator.Verify(flipped).IsOk, flipped);
                }
            }
        }
    }

    [Theory]
    [InlineData("%00")]
    [InlineData("/%00")]
    [InlineData("%2f%2e%2e%2fd2")]
    [InlineData("/../d2")]
    [InlineData("/./")]
    [InlineData("//")]
    [InlineData("//messages")]
    [InlineData("%C3%A9")]
    public async Task Resource_ThatIsNotPlain_IsRefusedBeforeTheKeyMatters(string suffix)
    {
        var hub = await TestHub.StartAsync(["d1", "d2"]);

        var error = hub.Authenticator.Verify(TestHub.Token(hub.Key("d1"), $"{TestHub.Host}/devices/d1{suffix}")).Error;

        Assert.Equal(HubErrorCode.Unauthorized, error?.Code);
    }

    [Theory]
    [InlineData("other.example.org/devices/d1")]
    [InlineData("Factory.Example.org.evil.com/devices/d1")]
    [InlineData("xFactory.Example.org/devices/d1")]
    [InlineData("Factory/devices/d1")]
    [InlineData("/devices/d1")]
    [InlineData("devices/d1")]
    [InlineData("user@Factory.Example.org/devices/d1")]
    [InlineData("ftp://Factory.Example.org/devices/d1")]
    [InlineData("Factory.Example.org:x/devices/d1")]
    public async Task Resource_OfAnotherHost_IsRefused(string resource)
    {
        var hub = await TestHub.StartAsync(["d1"]);

        Assert.Equal(HubErrorCode.Unauthorized, hub.Authenticator.Verify(TestHub.Token(hub.Key("d1"), resource)).Error?.Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/devices")]
    [InlineData("/devices/")]
    [InlineData("/messages/events")]
    [InlineData("/twins/d1")]
    public async Task DeviceKey_MustSignForItsOwnIdentityOrBelow(string path)
    {
        var hub = await TestHub.StartAsync(["d1"]);

        var error = hub.Authenticator.Verify(TestHub.Token(hub.Key("d1"), TestHub.Host + path)).Error;

        Assert.Equal(HubErrorCode.Unauthorized, error?.Code);
        Assert.Contains("host/devices/{id}", error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeysOfOthers_AreRefused_WithTheServicesOwnWords()
    {
        var hub = await TestHub.StartAsync(["d1", "d2", "d10", "D1"]);
        var module = await hub.AddModuleAsync("d1", "m1");
        const string expected = "The specified SAS token has an invalid signature. It does not match either the primary or secondary key.";
        string[] wrongKeys =
        [
            hub.Key("d2"), hub.Key("d10"), hub.Key("D1"), module.Authentication.Keys!.Primary.Reveal(),
            hub.PolicyKey("iothubowner"), SymmetricKey.Generate().Reveal(),
        ];

        foreach (var key in wrongKeys)
        {
            var error = hub.Authenticator.Verify(TestHub.Token(key, $"{TestHub.Host}/devices/d1")).Error;
            Assert.Equal(HubErrorCode.Unauthorized, error?.Code);
            Assert.StartsWith(expected, error!.Message, StringComparison.Ordinal);
            Assert.Contains("'d1'", error.Message, StringComparison.Ordinal);
        }
        // A device's key does not sign for its module, and a device key is no policy key, whatever skn says.
        Assert.False(hub.Authenticator.Verify(TestHub.Token(hub.Key("d1"), $"{TestHub.Host}/devices/d1/modules/m1")).IsOk);
        Assert.False(hub.Authenticator.Verify(TestHub.Token(hub.Key("d1"), $"{TestHub.Host}/devices/d1", "device")).IsOk);
        Assert.False(hub.Authenticator.Verify(TestHub.Token(hub.PolicyKey("device"), TestHub.Host, "iothubowner")).IsOk);
        Assert.False(hub.Authenticator.Verify(TestHub.Token(hub.PolicyKey("device"), TestHub.Host, "nosuch")).IsOk);
        // A device signs with its decoded key only.
        var text = System.Text.Encoding.UTF8.GetBytes(hub.Key("d1"));
        var sr = $"{TestHub.Host}/devices/d1";
        var sig = Uri.EscapeDataString(TestHub.Sign(text, sr, $"{TestHub.InOneHour}"));
        Assert.False(hub.Authenticator.Verify($"SharedAccessSignature sr={sr}&sig={sig}&se={TestHub.InOneHour}").IsOk);
    }

    [Fact]
    public async Task UnknownDevice_OrOneSpeltInAnotherCase_IsNotRegistered()
    {
        var hub = await TestHub.StartAsync(["d1"]);
        await hub.AddModuleAsync("d1", "m1");

        var device = hub.Authenticator.Verify(TestHub.Token(hub.Key("d1"), $"{TestHub.Host}/devices/D1")).Error;
        var module = hub.Authenticator.Verify(TestHub.Token(hub.Key("d1"), $"{TestHub.Host}/devices/d1/modules/M1")).Error;

        Assert.Equal(new HubError(HubErrorCode.DeviceNotFound, "Device D1 at IotHub Factory not registered."), device);
        Assert.Equal(HubErrorCode.ModuleNotFound, module?.Code);
    }

    [Fact]
    public async Task DoubleEscapedId_BelongsToWhoseKeySigned()
    {
        // The two readings of one resource are two registered devices.
        var hub = await TestHub.StartAsync(["a%25b", "a%b"]);
        var sr = Uri.EscapeDataString($"{TestHub.Host}/devices/a%25b");

        Assert.Equal("a%25b", hub.Authenticator.Verify(TestHub.Token(hub.Key("a%25b"), sr)).Value.DeviceId);
        Assert.Equal("a%b", hub.Authenticator.Verify(TestHub.Token(hub.Key("a%b"), sr)).Value.DeviceId);
        // A policy's token means one of them only.
        var policy = hub.Authenticator.Verify(TestHub.Token(hub.PolicyKey("device"), sr, "device")).Value;
        Assert.True(policy.AllowsDevice("a%25b", null));
        Assert.False(policy.AllowsDevice("a%b", null));
    }

    [Fact]
    public async Task DisabledDevice_IsUnauthorized_WithItsModules()
    {
        var hub = await TestHub.StartAsync(["d1"]);
        var module = await hub.AddModuleAsync("d1", "m1");
        await hub.Registry.UpdateDeviceAsync(
            new() { DeviceId = "d1", Status = DeviceStatus.Disabled }, IfMatch.Any, Cancellation);

        var device = hub.Authenticator.Verify(hub.DeviceToken("d1")).Error;
        var itsModule = hub.Authenticator.Verify(
            TestHub.Token(module.Authentication.Keys!.Primary.Reveal(), $"{TestHub.Host}/devices/d1/modules/m1")).Error;

        Assert.Equal((HubErrorCode.Unauthorized, "Device 'd1' is disabled."), (device!.Code, device.Message));
        Assert.Equal(HubErrorCode.Unauthorized, itsModule?.Code);
        // Who does not know the key does not learn that the device is disabled.
        var stranger = hub.Authenticator.Verify(TestHub.Token(SymmetricKey.Generate().Reveal(), $"{TestHub.Host}/devices/d1")).Error;
        Assert.DoesNotContain("disabled", stranger!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CertificateDevice_TakesNoToken()
    {
        var hub = await TestHub.StartAsync([]);
        await hub.Registry.CreateDeviceAsync(
            new() { DeviceId = "x1", Authentication = new() { Type = AuthenticationType.CertificateAuthority } }, Cancellation);

        var error = hub.Authenticator.Verify(TestHub.Token(SymmetricKey.Generate().Reveal(), $"{TestHub.Host}/devices/x1")).Error;

        Assert.Equal(HubErrorCode.Unauthorized, error?.Code);
        Assert.Contains("CertificateAuthority", error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ArbitraryText_NeverThrows()
    {
        var hub = await TestHub.StartAsync(["d1"]);
        string[] words =
        [
            "sr=", "sig=", "se=", "skn=", "&", "=", "%", "%2", "%2F", "%00", "/", "//", "..",
            "d1", "devices", "modules", TestHub.Host, "1", " ", ":", "\n", "é",
        ];
        var fragments = Gen.Int[0, words.Length - 1].Select(i => words[i]);
        Gen.OneOf(Gen.String, fragments.Array[0, 30].Select(f => "SharedAccessSignature " + string.Concat(f)))
            .Sample(text => Assert.False(hub.Authenticator.Verify(text).IsOk));
    }

    private static bool IsInFieldName(string token, int index)
    {
        var fieldStart = token.LastIndexOf('&', index);
        var equals = token.IndexOf('=', Math.Max(fieldStart, 0));
        return fieldStart >= 0 && index <= equals;
    }
}
