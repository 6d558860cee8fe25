using Hubbub.Core.Identities;
using Hubbub.Storage.State;

namespace Hubbub.Storage.Tests.State;

/// <summary>When identities were last heard of, page by page.</summary>
public sealed class ActivityStoreTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task Pages_OfAnySize_HoldEachIdentityOnceAndInOrder(int size)
    {
        var at = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        StoredActivity[] written =
        [
            new("D", null, "1", true, at, at), new("d", "M", "2", false, null, at), new("d", "m", "3", false, at, null),
            new("d#", null, "4", false, null, null), new("d1", null, "5", true, at, at.AddTicks(1)),
        ];
        using (var store = StateStore.Open(_directory.Path, TimeProvider.System))
            Assert.Null(await store.WriteActivityAsync([.. written.Reverse()], [], Cancellation));

        using var reopened = StateStore.Open(_directory.Path, TimeProvider.System);
        var read = new List<StoredActivity>();
        while (await reopened.LoadActivityAsync(read.Count == 0 ? null : read[^1], size, Cancellation) is { Count: > 0 } page)
        {
            Assert.InRange(page.Count, 1, size);
            read.AddRange(page);
        }

        Assert.Equal(written, read);
    }
}
