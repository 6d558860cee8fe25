namespace Hubbub.Client.Connections;

/// <summary>Where the tokens for one audience come from: made from a key, or one that was given.</summary>
/// <param name="Audience">The put-token's name.</param>
/// <param name="Type">The put-token's type.</param>
/// <param name="Make">Makes a token that holds until a time.</param>
/// <param name="IsFixed">True when it is always the same token, so that there is nothing to renew it with.</param>
internal sealed record TokenSource(string Audience, string Type, Func<DateTimeOffset, SasToken> Make, bool IsFixed)
{
    private const string ServiceBusType = "servicebus.windows.net:sastoken";

    /// <summary>
    /// A device, a module or a policy at an IoT hub; a policy's tokens are for the whole hub (amqp.md 2.4).
    /// </summary>
    public static TokenSource ForIotHub(ConnectionString to)
    {
        var audience = to.HostName;
        if (to.DeviceId is { } device)
            audience += $"/devices/{Uri.EscapeDataString(device)}";
        if (to.ModuleId is { } module)
            audience += $"/modules/{Uri.EscapeDataString(module)}";
        return Fixed(to, audience) ?? new TokenSource(
            audience, ServiceBusType,
            expiresAt => SasToken.ForIotHub(audience, to.SharedAccessKey!, to.PolicyName, expiresAt),
            IsFixed: false);
    }

    /// <summary>A policy at an event hub; one token opens all that is below it.</summary>
    /// <param name="hostName">The namespace's host.</param>
    /// <param name="entityPath">The event hub.</param>
    /// <param name="to">Whose policy and key it is, also that of an IoT hub which redirected.</param>
    public static TokenSource ForEventHubs(string hostName, string entityPath, ConnectionString to)
    {
        var audience = $"sb://{hostName}/{entityPath}";
        return Fixed(to, audience) ?? new TokenSource(
            audience, ServiceBusType,
            expiresAt => SasToken.ForEventHubs(audience, to.SharedAccessKey!, to.PolicyName!, expiresAt),
            IsFixed: false);
    }

    private static TokenSource? Fixed(ConnectionString to, string audience) =>
        to.SharedAccessSignature is { } text && SasToken.TryParse(text, out var token)
            ? new TokenSource(audience, ServiceBusType, _ => token, IsFixed: true)
            : null;
}
