using System.Security.Cryptography;

namespace Hubbub.Core.Tests;

/// <summary>The seed of a random test: HUBBUB_SEED, or a new one.</summary>
internal static class Seeds
{
    public static int Get()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("HUBBUB_SEED"), out var given)
            ? given
            : RandomNumberGenerator.GetInt32(int.MaxValue);
        TestContext.Current.TestOutputHelper?.WriteLine($"HUBBUB_SEED={seed}");
        return seed;
    }
}
