using System.Net.Http.Headers;
using System.Text;

namespace Hubbub.Load.Commands;

/// <summary>Registers the devices of a run over REST, several at a time.</summary>
internal static class Registration
{
    private const int Parallel = 16;

    public static string DeviceId(int index) => $"device-{index}";

    public static async Task RunAsync(HubUnderTest hub, int count)
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = hub.TrustItsAuthority();
        using var client = new HttpClient(handler) { BaseAddress = new Uri($"https://localhost:{hub.HttpsPort}") };
        client.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(hub.Token("iothubowner"));
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel };
        await System.Threading.Tasks.Parallel.ForAsync(0, count, options, async (index, cancellation) =>
        {
            var id = DeviceId(index);
            using var body = new StringContent($$"""{"deviceId":"{{id}}"}""", Encoding.UTF8, "application/json");
            using var answer = await client.PutAsync($"/devices/{id}?api-version=2021-04-12", body, cancellation);
            answer.EnsureSuccessStatusCode();
        });
    }
}
