namespace Hubbub.Client.Connections;

/// <summary>
/// Where the tokens for one audience come from: made from a key, one that was given, or the caller's.
/// </summary>
/// <param name="Audience">The put-token's name.</param>
/// <param name="Type">The put-token's type.</param>
/// <param name="Make">Makes a token that holds until a time, or as long as the caller's does.</param>
/// <param name="IsFixed">True when it is always the same token, so that there is nothing to renew it with.</param>
internal sealed record TokenSource(
    string Audience, string Type, Func<DateTimeOffset, CancellationToken, ValueTask<SasToken>> Make, bool IsFixed)
{
    private const string ServiceBusType = "servicebus.windows.net:sastoken";

    /// <summary>
    /// A device, a module or a policy at an IoT hub; a policy's tokens are for the whole hub (amqp.md 2.4).
    /// </summary>
    public static TokenSource ForIotHub(ConnectionString to, ClientOptions options)
    {
        var audience = to.HostName;
        if (to.DeviceId is { } device)
            audience += $"/devices/{Uri.EscapeDataString(device)}";
        if (to.ModuleId is { } module)
            audience += $"/modules/{Uri.EscapeDataString(module)}";
        return Given(to, options, audience) ?? new TokenSource(
            audience, ServiceBusType,
            (expiresAt, _) => new(SasToken.ForIotHub(audience, KeyOf(to), to.PolicyName, expiresAt)),
            IsFixed: false);
    }

    /// <summary>A policy at an event hub; one token opens all that is below it.</summary>
    /// <param name="hostName">The namespace's host.</param>
    /// <param name="entityPath">The event hub.</param>
    /// <param name="to">Whose policy and key it is, also that of an IoT hub which redirected.</param>
    /// <param name="options">A token provider, if the caller has one.</param>
    public static TokenSource ForEventHubs(
        string hostName, string entityPath, ConnectionString to, ClientOptions options)
    {
        var audience = $"sb://{hostName}/{entityPath}";
        return Given(to, options, audience) ?? new TokenSource(
            audience, ServiceBusType,
            (expiresAt, _) => new(SasToken.ForEventHubs(audience, KeyOf(to), to.PolicyName!, expiresAt)),
            IsFixed: false);
    }

    /// <summary>A token that holds from now on for as long as the options say.</summary>
    public ValueTask<SasToken> MakeAsync(ClientOptions options, CancellationToken cancellationToken) =>
        Make(options.TimeProvider.GetUtcNow() + options.TokenLifetime, cancellationToken);

    private static string KeyOf(ConnectionString to) => to.SharedAccessKey ?? throw new HubbubException(
        HubbubCondition.TokenUnavailable,
        "there is no key, token, token provider or client certificate to prove with who this is", to.HostName);

    private static TokenSource? Given(ConnectionString to, ClientOptions options, string audience)
    {
        if (options.TokenProvider is { } provider)
            return new TokenSource(audience, ServiceBusType, (_, c) => AskAsync(provider, audience, c), IsFixed: false);
        return to.SharedAccessSignature is { } text && SasToken.TryParse(text, out var token)
            ? new TokenSource(audience, ServiceBusType, (_, _) => new(token), IsFixed: true)
            : null;
    }

    private static async ValueTask<SasToken> AskAsync(
        TokenProvider provider, string audience, CancellationToken cancellationToken)
    {
        try
        {
            return await provider(audience, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (HubbubException or OperationCanceledException))
        {
            throw new HubbubException(
                HubbubCondition.TokenUnavailable, $"the token provider failed: {e.Message}", audience, null, e);
        }
    }
}
