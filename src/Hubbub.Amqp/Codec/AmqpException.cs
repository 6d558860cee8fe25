namespace Hubbub.Amqp.Codec;

/// <summary>
/// The peer broke the protocol. Carries how much has to be given up and the error condition that says why.
/// Thrown anywhere below the engine and caught once, at its receive method.
/// </summary>
/// <param name="scope">What has to be given up.</param>
/// <param name="condition">An AMQP error condition, such as <c>amqp:decode-error</c>.</param>
/// <param name="message">A sentence for the person at the other end. Never holds payload or secrets.</param>
public sealed class AmqpException(ErrorScope scope, string condition, string message) : Exception(message)
{
    /// <summary>What has to be given up.</summary>
    public ErrorScope Scope { get; } = scope;

    /// <summary>The AMQP error condition.</summary>
    public string Condition { get; } = condition;

    /// <summary>Bytes that are not AMQP: ends the connection with <c>amqp:decode-error</c>.</summary>
    public static AmqpException Decode(string message) => new(ErrorScope.Connection, "amqp:decode-error", message);

    /// <summary>
    /// A mandatory field is null or missing. One that belongs to a session (attach, flow, transfer, disposition,
    /// detach) ends that session with <c>amqp:invalid-field</c>; any other is a decode error of the connection.
    /// </summary>
    internal static AmqpException MissingField(string type, string field, ErrorScope scope)
    {
        var message = $"{type}: mandatory field {field} is missing";
        return scope == ErrorScope.Connection ? Decode(message) : new(scope, "amqp:invalid-field", message);
    }
}
