namespace Hubbub.Core.Routing;

/// <summary>What a route listens to; the names are those of the service's API.</summary>
public enum RouteSource : byte
{
    /// <summary>Telemetry of devices and modules.</summary>
    DeviceMessages,
    TwinChangeEvents,
    DeviceLifecycleEvents,
    DeviceJobLifecycleEvents,
    DigitalTwinChangeEvents,
    DeviceConnectionStateEvents,
    MqttBrokerMessages,
}

/// <summary>The names of sources.</summary>
public static class RouteSources
{
    /// <summary>All of them, for errors.</summary>
    public static string Names { get; } = string.Join(", ", Enum.GetNames<RouteSource>());

    /// <summary>Reads a name, ignoring case. A number or a list of names, which an enum would take, is none.</summary>
    public static bool TryParse(string name, out RouteSource source)
    {
        foreach (var known in Enum.GetValues<RouteSource>())
        {
            if (name.Equals(known.ToString(), StringComparison.OrdinalIgnoreCase))
            {
                source = known;
                return true;
            }
        }
        source = default;
        return false;
    }
}
