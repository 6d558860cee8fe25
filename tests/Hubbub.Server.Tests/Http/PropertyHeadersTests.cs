using Hubbub.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Tests.Http;

/// <summary>What a sender's properties cost the one who answers with them as headers.</summary>
public sealed class PropertyHeadersTests
{
    private const int Many = 20_000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Properties_OfAnyNumber_CostAsMuchAsTheyAreLong(bool isOneName)
    {
        var names = Enumerable.Range(0, Many).Select(i => isOneName ? "iothub-app-" : $"iothub-app-{i}").ToArray();
        var headers = new HeaderDictionary();
        var before = GC.GetAllocatedBytesForCurrentThread();

        var properties = new PropertyHeaders();
        foreach (var name in names)
            properties.Add(name, "\u00fc");
        properties.WriteTo(headers);

        // Adding one by one to a header takes gigabytes for so many.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 50_000_000);
        Assert.Equal(Many, names.Distinct().Sum(name => headers[name].Count));
        Assert.Equal(string.Join(',', names.Distinct()), headers["Hubbub-Percent-Encoded"]);
    }
}
