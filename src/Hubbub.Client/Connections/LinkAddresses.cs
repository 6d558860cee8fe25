namespace Hubbub.Client.Connections;

/// <summary>The addresses of an IoT hub's links (amqp.md 3.1, 4).</summary>
internal static class LinkAddresses
{
    public const string CommandSender = "/messages/devicebound";

    // In the spelling of most service SDKs; hubs ignore the case.
    public const string Feedback = "/messages/serviceBound/feedback";

    public static string Telemetry(string deviceId, string? moduleId) => $"{Of(deviceId, moduleId)}/messages/events";

    public static string Commands(string deviceId, string? moduleId) =>
        $"{Of(deviceId, moduleId)}/messages/devicebound";

    /// <summary>Hubbub's own: what happens to a device's commands.</summary>
    public static string CommandChanges(string deviceId, string? moduleId) => $"{Of(deviceId, moduleId)}/commands";

    private static string Of(string deviceId, string? moduleId) => moduleId is null
        ? $"/devices/{Uri.EscapeDataString(deviceId)}"
        : $"/devices/{Uri.EscapeDataString(deviceId)}/modules/{Uri.EscapeDataString(moduleId)}";
}
