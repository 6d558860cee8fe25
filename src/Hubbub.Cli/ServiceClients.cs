using Hubbub.Client;

namespace Hubbub.Cli;

/// <summary>Clients in the name of the service whose policy the hub's connection string names.</summary>
internal static class ServiceClients
{
    /// <summary>Connects.</summary>
    /// <param name="hub">The hub.</param>
    /// <param name="what">What is not done when this fails, for the error text.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static Task<ServiceClient> ConnectAsync(HubAddress hub, string what, CancellationToken cancellationToken) =>
        HubClients.ConnectAsync(hub, async dialHostName =>
        {
            var to = ConnectionString.ForService(hub.HostName, hub.PolicyName, hub.Key, hub.AmqpsPort);
            var service = ServiceClient.Create(to, HubClients.Reach(new ServiceClientOptions(), hub, dialHostName));
            try
            {
                await service.OpenAsync(cancellationToken);
                return service;
            }
            catch (HubbubException e)
            {
                await service.DisposeAsync();
                if (e.Condition == HubbubCondition.Unreachable && dialHostName is not null)
                    throw;
                throw HubClients.Refused(what, e, RemedyFor(e));
            }
        });

    /// <summary>What a person may do about it.</summary>
    public static string? RemedyFor(HubbubException e) => e.Condition switch
    {
        HubbubCondition.UnauthorizedAccess => "The policy must have the right ServiceConnect.",
        HubbubCondition.MessageSizeExceeded => "Send a smaller body.",
        HubbubCondition.NotFound => "See 'hubbub device list'.",
        HubbubCondition.ResourceLimitExceeded => "The device has to take its commands first.",
        _ when e.IsTransient => "Try again.",
        _ => null,
    };
}
