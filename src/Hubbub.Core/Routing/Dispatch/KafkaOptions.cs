namespace Hubbub.Core.Routing.Dispatch;

/// <summary>Delivery to a topic of Kafka, or of what speaks its protocol.</summary>
public sealed record KafkaOptions : SinkOptions
{
    /// <summary>Brokers to begin with: <c>host:port</c>, separated by commas.</summary>
    public required string BootstrapServers { get; init; }

    public required string Topic { get; init; }

    /// <summary>True: TLS to the brokers.</summary>
    public bool UsesTls { get; init; }

    /// <summary>
    /// Certificates in PEM form that the brokers' must descend from, instead of the system's authorities; null: those.
    /// </summary>
    public string? CaCertificates { get; init; }

    /// <summary>The user of SASL PLAIN; null for no authentication. Needs <see cref="UsesTls"/>.</summary>
    public string? UserName { get; init; }

    /// <summary>The password of <see cref="UserName"/>. Stored encrypted.</summary>
    public SecretText? Password { get; init; }

    /// <summary>How long the brokers may take to acknowledge a record, from when it is handed to the client.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    public override DispatchOptions DefaultDispatch => new()
    {
        BatchCountMax = 5_000,
        BatchBytesMax = 1024 * 1024,
        Linger = TimeSpan.FromMilliseconds(50),
    };

    public override string? Validate(SinkPolicy policy)
    {
        if (!AreServers(BootstrapServers))
            return "The brokers of a Kafka endpoint must be host:port, separated by commas.";
        if (!IsTopic(Topic))
            return "The topic of a Kafka endpoint must have 1 to 249 of the characters A-Z a-z 0-9 . _ -.";
        if (UserName is null != Password is null)
            return "A Kafka endpoint needs both a user name and a password, or neither.";
        if (UserName is not null && !UsesTls)
            return "A Kafka endpoint with a password needs TLS, or the password could be read on the way.";
        if (Timeout < TimeSpan.FromSeconds(1) || Timeout > TimeSpan.FromMinutes(5))
            return "The time-out of a Kafka endpoint must be 1 second to 5 minutes.";
        if (CaCertificates is { } pem && (!UsesTls || !PemCertificates.TryRead(pem, out _)))
        {
            return "The CA certificates of a Kafka endpoint must be in PEM form (-----BEGIN CERTIFICATE-----), at most "
                + $"{DispatchLimits.CertificatesLengthMax} characters, and need TLS.";
        }
        return null;
    }

    private static bool AreServers(string servers)
    {
        if (servers.Length is 0 or > DispatchLimits.UrlLengthMax)
            return false;
        foreach (var server in servers.Split(','))
        {
            var colon = server.LastIndexOf(':');
            if (colon <= 0 || !ushort.TryParse(server.AsSpan(colon + 1), out var port) || port == 0
                || Uri.CheckHostName(server[..colon].Trim('[', ']')) == UriHostNameType.Unknown)
                return false;
        }
        return true;
    }

    // The broker's own rule; "." and ".." are names of directories.
    private static bool IsTopic(string topic) =>
        topic.Length is > 0 and <= 249 && topic is not ("." or "..")
        && topic.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}

/// <summary>A text that nothing but <see cref="Reveal"/> gives away.</summary>
public sealed record SecretText
{
    private readonly string _text;

    public SecretText(string text) => _text = text;

    /// <summary>The text, for encrypted storage and for the other side only.</summary>
    public string Reveal() => _text;

    public override string ToString() => "***";
}
