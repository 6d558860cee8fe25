using Hubbub.Interop.Tests.Harness;

namespace Hubbub.Interop.Tests;

/// <summary>Qpid Proton, whose TLS is OpenSSL's own, with a client certificate and every SASL that goes with one.</summary>
public sealed class ProtonCertificateTests(PrivateHub own) : IClassFixture<PrivateHub>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string?> Mechanisms { get; } = new(null, "EXTERNAL", "ANONYMOUS");

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public async Task SelfSigned_ByThumbprint_Sends(string? mechanism)
    {
        var id = $"proton-pinned-{mechanism}";
        var certificate = TestCertificate.SelfSigned("any");
        await own.Hub.PutX509DeviceAsync(id, certificate.Thumbprint, Cancellation);

        Assert.Equal("accepted", (await RunAsync(id, certificate, mechanism)).One("sent").Text("outcome"));
        Assert.Single((await RunAsync(id, TestCertificate.SelfSigned("any"), mechanism)).Of("refused"));
    }

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public async Task CaSigned_BelowTwoIntermediates_Sends(string? mechanism)
    {
        var id = $"proton-ca-{mechanism}";
        var root = TestCertificate.Root($"root {id}");
        await own.Hub.SendAsync(HttpMethod.Put, $"/hubbub/certificates/{id}", new { certificate = root.Certificate }, Cancellation);
        await own.Hub.PutX509DeviceAsync(id, null, Cancellation);
        var line = root.Intermediate("plant").Intermediate("line");

        Assert.Equal("accepted", (await RunAsync(id, line.Leaf(id), mechanism)).One("sent").Text("outcome"));
        Assert.Single((await RunAsync(id, line.Leaf(id + "x"), mechanism)).Of("refused"));
    }

    [Fact]
    public async Task Device_DisabledWhileItIsConnected_IsDetachedAsUnauthorized()
    {
        var certificate = TestCertificate.SelfSigned("any");
        await own.Hub.PutX509DeviceAsync("proton-held", certificate.Thumbprint, Cancellation);
        await using var client = await ClientProcess.StartAsync(
            ClientScript.ProtonX509, own.Hub, Request("proton-held", certificate, null, hold: true));
        await client.WaitForAsync("sent");

        (await Cli.RunAsync(own.Hub, "device", "disable", "proton-held")).Done();

        Assert.Equal("amqp:unauthorized-access", (await client.WaitForAsync("refused")).Text("condition"));
    }

    private Task<ClientOutput> RunAsync(string id, TestCertificate certificate, string? mechanism) =>
        ClientProcess.RunAsync(ClientScript.ProtonX509, own.Hub, Request(id, certificate, mechanism, hold: false));

    private object Request(string id, TestCertificate certificate, string? mechanism, bool hold)
    {
        var files = certificate.Write(own.Hub.Data);
        return new
        {
            url = $"amqps://{own.Hub.Host}:{own.Hub.Up.Ports.Amqps}",
            ca = own.Hub.Up.CaCertificate,
            certificate = files.Certificate,
            key = files.Key,
            address = $"/devices/{id}/messages/events",
            mechanism,
            hold,
        };
    }
}
