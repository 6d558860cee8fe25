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
