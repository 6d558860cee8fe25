using System.Text.Json;
using System.Text.RegularExpressions;
using Hubbub.Server.Http;

namespace Hubbub.Server.Tests.Http;

public sealed partial class OpenApiTests
{
    private static string Snapshot { get; } = Path.Combine(Root(), "docs", "wire", "openapi.json");

    [Fact]
    public async Task Document_IsServedToAnybody_AndIsTheOneInTheDocumentation()
    {
        await using var hub = await ApiHost.StartAsync();

        var served = await hub.SendRawAsync("GET", "/hubbub/openapi.json", null, null, null);

        Assert.Equal((200, "application/json; charset=utf-8"), (served.Status, served.ContentType));
        if (Environment.GetEnvironmentVariable("HUBBUB_UPDATE_SNAPSHOTS") == "1")
            await File.WriteAllTextAsync(Snapshot, served.Body, TestContext.Current.CancellationToken);
        // After a change of operations: run this test with HUBBUB_UPDATE_SNAPSHOTS=1 and look at the difference.
        Assert.Equal(await File.ReadAllTextAsync(Snapshot, TestContext.Current.CancellationToken), served.Body);
    }

    [Fact]
    public async Task Document_HoldsEveryOperationThatIsServed_AndNoOther()
    {
        await using var hub = await ApiHost.StartAsync();
        var described = (await DocumentAsync(hub)).GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(o => $"{o.Name.ToUpperInvariant()} {path.Name}"));

        Assert.Equal(
            hub.Api.Routes.All.Where(r => r.Serve is not null).Select(r => $"{r.Method} {r.Template}").Order(StringComparer.Ordinal),
            described.Order(StringComparer.Ordinal));
        foreach (var operation in described)
        {
            var (method, template) = (operation.Split(' ')[0], operation.Split(' ')[1]);
            var answer = await hub.SendAsync(method, Parameter().Replace(template, "nosuch"), method == "GET" ? null : "{}");
            Assert.False(
                answer.Status is 405 or 500 or 501 || answer.Body.Contains(";There is nothing at", StringComparison.Ordinal),
                $"{operation}: {answer.Status} {answer.Body}");
        }
    }

    [Fact]
    public async Task Document_RefersToNothingThatItLacks()
    {
        await using var hub = await ApiHost.StartAsync();
        var document = await DocumentAsync(hub);

        var references = Reference().Matches(document.GetRawText()).Select(m => m.Groups[1].Value).Distinct().ToArray();

        Assert.NotEmpty(references);
        foreach (var reference in references)
        {
            var element = document;
            foreach (var name in reference.Split('/'))
                Assert.True(element.TryGetProperty(name, out element), $"#/{reference} is missing; add it to openapi-components.json.");
        }
        foreach (var route in hub.Api.Routes.All.Where(r => r.Serve is not null))
            Assert.False(string.IsNullOrEmpty(route.Summary), $"{route.Method} {route.Template} has no summary.");
    }

    private static async Task<JsonElement> DocumentAsync(ApiHost hub) =>
        (await hub.SendRawAsync("GET", "/hubbub/openapi.json", null, null, null)).Json;

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Hubbub.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests run outside the repository.");
        return folder;
    }

    [GeneratedRegex("\"\\$ref\": *\"#/([^\"]+)\"")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Parameter();
}
