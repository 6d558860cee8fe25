using Hubbub.Amqp.Messages;
using Hubbub.Amqp.Tests.Codec;

namespace Hubbub.Amqp.Tests.Messages;

/// <summary>Finding sections by their sizes alone: where it finds any, they are those of the whole scan.</summary>
public sealed class SectionLocatorTests
{
    private static readonly string[] Sections =
    [
        "005370c0020141", "005371c10502a3016441", "005372d10000000800000002a3016d41", "005373c00401a10169",
        "005374c10702a1016ba10176",
    ];

    private static readonly string[] Bodies =
    [
        "", "005375a003010203", "005375b000000003010203", "005375a00101005375a00102", "005376c0020141005376c0020141",
        "00537645", "005377a10176", "005377b10000000176", "00537740",
    ];

    [Theory]
    [MemberData(nameof(AllBodies))]
    public void Message_OfAnySections_IsLocatedAsItIsRead(string body)
    {
        for (var present = 0; present < 1 << Sections.Length; present++)
        {
            var head = string.Concat(Sections.Where((_, i) => (present & (1 << i)) != 0));
            foreach (var footer in new[] { "", "005378c10502a3016641" })
            {
                var message = Wire.Bytes(head + body + footer);
                if (message.Length == 0)
                    continue;
                Assert.True(MessageSections.TryLocate(message, out var located), Convert.ToHexString(message));
                AssertSame(message, located);
            }
        }
    }

    [Theory]
    [InlineData("", "nothing")]
    [InlineData("005375", "no value")]
    [InlineData("005375a0", "no size")]
    [InlineData("005375a00301", "shorter than its size")]
    [InlineData("005375b0ffffffff01", "a size beyond what an int holds")]
    [InlineData("005375a10176", "a text for data")]
    [InlineData("005379a00107", "no section")]
    [InlineData("00537556", "a boolean for data")]
    [InlineData("00800000000000000075a00107", "a descriptor in the long form")]
    [InlineData("005375a00107005377a10176", "a body of two kinds")]
    [InlineData("005377a10176005377a10176", "two values")]
    [InlineData("005375a00107005373c00401a10169005375a00107", "a body in two places")]
    [InlineData("005373c00401a10169005373c00401a10169", "a section twice")]
    public void Message_WrongOrUnusual_IsLeftToTheWholeScan(string hex, string what) =>
        Assert.False(MessageSections.TryLocate(Wire.Bytes(hex), out _), what);

    public static TheoryData<string> AllBodies() => [.. Bodies];

    internal static void AssertSame(byte[] message, in MessageSections located)
    {
        Assert.True(MessageSections.TryRead(message, SectionOrder.Lenient, out var read, out var problem), problem.Text);
        Assert.Equal((read.Body, read.BodySectionCount), (located.Body, located.BodySectionCount));
        Assert.True(read.HeaderSection.Equals(located.HeaderSection));
        Assert.True(read.DeliveryAnnotationsSection.Equals(located.DeliveryAnnotationsSection));
        Assert.True(read.MessageAnnotationsSection.Equals(located.MessageAnnotationsSection));
        Assert.True(read.PropertiesSection.Equals(located.PropertiesSection));
        Assert.True(read.ApplicationPropertiesSection.Equals(located.ApplicationPropertiesSection));
        Assert.True(read.BodySections.Equals(located.BodySections));
        Assert.True(read.FooterSection.Equals(located.FooterSection));
    }
}
