namespace Hubbub.Interop.Tests.Harness;

/// <summary>A device of the hub under test, and what a client needs to be it.</summary>
internal sealed record TestDevice(string Id, string Key, string GenerationId, string Host)
{
    public string ConnectionString => $"HostName={Host};DeviceId={Id};SharedAccessKey={Key}";

    /// <summary>What a token of this device is for.</summary>
    public string Resource => $"{Host}/devices/{Id}";

    public string TelemetryAddress => $"/devices/{Id}/messages/events";

    public string CommandAddress => $"/devices/{Id}/messages/devicebound";

    /// <summary>The partition that holds all events of this device, of four.</summary>
    public string Partition => $"{PartitionHash.Of(Id, 4)}";

    /// <summary>SASL PLAIN's user name and the token as password.</summary>
    public (string User, string Password) Plain => ($"{Id}@sas.{Host}", SasToken.For(Resource, Key));
}
