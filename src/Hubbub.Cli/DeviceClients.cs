using Hubbub.Client;

namespace Hubbub.Cli;

/// <summary>Clients in the name of a device or module, with the key that the hub's registry has of it.</summary>
internal static class DeviceClients
{
    /// <summary>Connects as the device would.</summary>
    /// <param name="hub">The hub.</param>
    /// <param name="identity">Who to be.</param>
    /// <param name="options">Options; how the hub is reached is added here.</param>
    /// <param name="what">What is not done when this fails, for the error text.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<DeviceClient> ConnectAsync(
        HubAddress hub,
        IdentityName identity,
        DeviceClientOptions options,
        string what,
        CancellationToken cancellationToken)
    {
        var to = await ConnectionStringAsync(hub, identity, what, cancellationToken);
        return await HubClients.ConnectAsync(hub, async dialHostName =>
        {
            var device = DeviceClient.Create(to, HubClients.Reach(options, hub, dialHostName));
            try
            {
                await device.OpenAsync(cancellationToken);
                return device;
            }
            catch (HubbubException e)
            {
                await device.DisposeAsync();
                if (e.Condition == HubbubCondition.Unreachable && dialHostName is not null)
                    throw;
                throw HubClients.Refused(what, e, RemedyFor(e, identity.DeviceId));
            }
        });
    }

    /// <summary>What a person may do about it.</summary>
    public static string? RemedyFor(HubbubException e, string deviceId) => e.Condition switch
    {
        HubbubCondition.UnauthorizedAccess =>
            $"See 'hubbub device show {ShellWord.Quote(deviceId)}' whether it is enabled.",
        HubbubCondition.MessageSizeExceeded => "Send a smaller body.",
        _ when e.IsTransient => "Try again.",
        _ => null,
    };

    private static async Task<ConnectionString> ConnectionStringAsync(
        HubAddress hub, IdentityName identity, string what, CancellationToken cancellationToken)
    {
        using var rest = new HubRest(hub);
        var described = await rest.SendAsync(
            HttpMethod.Get, identity.RegistryPath, null, null, what, cancellationToken)
            ?? throw new CommandFailedException($"{what}: the hub sent nothing.");
        var key = Output.TextOf(described, "authentication", "symmetricKey", "primaryKey");
        if (key.Length == 0)
            throw new CommandFailedException($"{what}: it has no key, for it proves itself by a certificate.");
        return identity.ModuleId is { } moduleId
            ? ConnectionString.ForModule(hub.HostName, identity.DeviceId, moduleId, key, hub.AmqpsPort)
            : ConnectionString.ForDevice(hub.HostName, identity.DeviceId, key, hub.AmqpsPort);
    }
}
