namespace Hubbub.Samples;

/// <summary>What the samples take from the environment.</summary>
internal static class Settings
{
    public static string Device => Read("DEVICE_CONNECTION_STRING");

    public static string Service => Read("SERVICE_CONNECTION_STRING");

    public static string EventHub => Read("EVENTHUB_CONNECTION_STRING");

    /// <summary>The device that commands go to.</summary>
    public static string DeviceId => Hubbub.Client.ConnectionString.Parse(Device).DeviceId!;

    /// <summary>The hub's own CA; null trusts what the system trusts.</summary>
    public static string? CaFile => Environment.GetEnvironmentVariable("HUBBUB_CA");

    private static string Read(string name) =>
        Environment.GetEnvironmentVariable(name)
        ?? throw new InvalidOperationException($"Set {name}; samples/README.md says how.");
}
