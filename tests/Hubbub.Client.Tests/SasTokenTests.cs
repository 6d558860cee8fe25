namespace Hubbub.Client.Tests;

public sealed class SasTokenTests
{
    private static readonly DateTimeOffset Expiry = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    // The expected texts were made with Python's hmac and urllib.
    [Fact]
    public void ForIotHub_Device_SignsWithTheDecodedKey() => Assert.Equal(
        "SharedAccessSignature sr=hub.example%2Fdevices%2Fd1"
        + "&sig=ZwEaGhMhPqwI1j4jwnTqaLXDKV6ZJV5%2FF7eOnKjWmbo%3D&se=1800000000",
        SasToken.ForIotHub("hub.example/devices/d1", Some.Key, null, Expiry).Value);

    [Fact]
    public void ForIotHub_Policy_NamesIt() => Assert.Equal(
        "SharedAccessSignature sr=hub.example&sig=CWM5W15Jt8kHF1nFaTiSY8gyQk7I54HC8npjq20BuUk%3D"
        + "&se=1800000000&skn=service",
        SasToken.ForIotHub("hub.example", Some.Key, "service", Expiry).Value);

    [Fact]
    public void ForEventHubs_SignsWithTheTextOfTheKey() => Assert.Equal(
        "SharedAccessSignature sr=sb%3A%2F%2Fns.example%2Fevents-1&sig=Nyai3GWUQpt0WSYeVV0dqnLZtsVIAmo8kBOAn%2BgY3qU%3D"
        + "&se=1800000000&skn=service",
        SasToken.ForEventHubs("sb://ns.example/events-1", Some.Key, "service", Expiry).Value);

    [Fact]
    public void TryParse_TakesAnyOrderAndKeepsTheText()
    {
        const string Text = "SharedAccessSignature se=1800000000&skn=&sig=abc%3d&sr=hub.example%2fdevices%2fd1";

        Assert.True(SasToken.TryParse(Text, out var token));
        Assert.Equal((Text, "hub.example/devices/d1", Expiry), (token.Value, token.Resource, token.ExpiresAt));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer abc")]
    [InlineData("SharedAccessSignature sr=h&sig=s")]
    [InlineData("SharedAccessSignature sr=h&se=12")]
    [InlineData("SharedAccessSignature sig=s&se=12")]
    [InlineData("SharedAccessSignature sr=h&sig=s&se=99999999999999999")]
    [InlineData("SharedAccessSignature sr=h&sig&se=12")]
    public void TryParse_WhatIsNoToken_IsRefused(string? text) => Assert.False(SasToken.TryParse(text, out _));

    [Fact]
    public void ToString_NeverHoldsTheSignature()
    {
        var token = SasToken.ForIotHub("hub.example", Some.Key, "service", Expiry);

        Assert.DoesNotContain(
            "CWM5W15Jt8kHF1nFaTiSY8gyQk7I54HC8npjq20BuUk", token.ToString(), StringComparison.Ordinal);
    }
}
