using System.Globalization;

namespace Hubbub.Interop.Tests.Harness;

/// <summary>The seed of a random test: HUBBUB_SEED, or a new one.</summary>
internal static class Seed
{
    /// <summary>Says the seed at once, so that a test that never ends has told it too.</summary>
    public static int Take()
    {
        var asked = Environment.GetEnvironmentVariable("HUBBUB_SEED");
        var seed = asked is null ? Random.Shared.Next() : int.Parse(asked, CultureInfo.InvariantCulture);
        TestContext.Current.SendDiagnosticMessage($"HUBBUB_SEED={seed}");
        return seed;
    }
}
