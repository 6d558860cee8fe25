using System.Globalization;
using System.Security.Cryptography;
using Hubbub.Core.Security;

namespace Hubbub.Core.Identities;

/// <summary>What a hub is given when it is made, and keeps: clients hold these values in their configuration.</summary>
public sealed record HubSettings
{
    private const int NameCharactersMax = 10; // The service cuts the hub's name at this length too.

    /// <summary>The built-in events entity: <c>iothub-ehub-{hub}-{digits}-{hash}</c>.</summary>
    public required string EntityName { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required AccessPolicies Policies { get; init; }

    /// <summary>The stored settings, or new ones that are stored before they are returned.</summary>
    /// <param name="hubName">The hub's own name (<see cref="HubIdentity.Name"/>), for the name of a new entity.</param>
    public static async ValueTask<HubResult<HubSettings>> LoadOrCreateAsync(
        IHubSettingsStore store, string hubName, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await store.LoadSettingsAsync(cancellationToken).ConfigureAwait(false) is { } stored)
            return stored;
        var created = Create(hubName, time);
        var full = await store.SaveSettingsAsync(created, cancellationToken).ConfigureAwait(false);
        return full is null ? created : full;
    }

    /// <summary>New settings: a fresh entity name and the default policies with fresh keys.</summary>
    public static HubSettings Create(string hubName, TimeProvider time)
    {
        var name = string.Concat(hubName.Where(char.IsAsciiLetterOrDigit).Take(NameCharactersMax)).ToLowerInvariant();
        var digits = RandomNumberGenerator.GetInt32(1_000_000, 10_000_000).ToString(CultureInfo.InvariantCulture);
        var hash = RandomNumberGenerator.GetHexString(10, lowercase: true);
        return new HubSettings
        {
            EntityName = $"iothub-ehub-{(name.Length == 0 ? "hub" : name)}-{digits}-{hash}",
            CreatedAt = time.GetUtcNow(),
            Policies = AccessPolicies.CreateDefault(),
        };
    }
}
