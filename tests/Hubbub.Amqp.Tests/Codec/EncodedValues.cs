namespace Hubbub.Amqp.Tests.Codec;

/// <summary>Valid encodings, each of one value, that tests and mutations start from.</summary>
internal static class EncodedValues
{
    internal static readonly string[] All =
    [
        "40", "41", "42", "5600", "5601", "43", "44", "45", "50ff", "5180", "52ff", "53ff", "5480", "55ff",
        "60ffff", "618000", "70ffffffff", "7180000000", "727fc00000", "730000d7ff", "730010ffff", "74ffffffff",
        "80ffffffffffffffff", "818000000000000000", "82fff8000000000000", "837fffffffffffffff", "838000000000000000",
        "84ffffffffffffffff", "94ffffffffffffffffffffffffffffffff", "9800112233445566778899aabbccddeeff",
        "a000", "a00200ff", "b00000000101", "a102c3a4", "b100000004f09f9880", "a30161", "b30000000161",
        "c00100", "c0050241a10161", "d0000000050000000140",
        "c10100", "c10702a3016bc00100", "d10000000a00000002a3016ba10176",
        "e0020141", "e0020040", "e00402500102", "e00602a101610162",
        "e00602c001000100", "f00000000700000002500102",
        "005324c00100", "00a30178a10161", "0080000000137000000aa10161",
        "e00702005399500102",
    ];
}
