using System.Globalization;

namespace Hubbub.Core.Tests.Tidy;

/// <summary>docs/limits-and-errors.md explains every refusal that the hub has words for.</summary>
public sealed class ErrorPageTests
{
    [Fact]
    public void EveryErrorCode_StandsInTheDocs()
    {
        var page = File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "limits-and-errors.md"));

        var missing = Enum.GetValues<HubErrorCode>()
            .Where(code => !page.Contains(((int)code).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));

        Assert.Empty(missing);
    }
}
