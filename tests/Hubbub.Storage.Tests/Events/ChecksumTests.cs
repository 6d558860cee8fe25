using Hubbub.Storage.Events;

namespace Hubbub.Storage.Tests.Events;

public sealed class ChecksumTests
{
    [Fact]
    public void Compute_PublishedCheckValue_Matches() => Assert.Equal(0xe3069283, Checksum.Compute(0, "123456789"u8));
}
