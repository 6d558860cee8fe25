namespace Hubbub.Amqp.Messages;

/// <summary>In which order the sections of a message may stand.</summary>
public enum SectionOrder
{
    /// <summary>The order of AMQP 3.2.</summary>
    Strict,

    /// <summary>
    /// Those before the body in any order, each once at most. The items of a batch made by Azure's C SDK have their
    /// message-annotations behind the application-properties.
    /// </summary>
    Lenient,

    /// <summary>
    /// As <see cref="Lenient"/>, and application-properties may be described values: Python's Event Hubs client sends
    /// its token as the descriptor of one.
    /// </summary>
    Request,
}

/// <summary>What the body of a message consists of (AMQP 3.2).</summary>
public enum BodyKind
{
    /// <summary>Nothing. AMQP asks for a body; Azure's .NET library leaves it out when it is empty.</summary>
    None,

    /// <summary>One or more data sections.</summary>
    Data,

    /// <summary>One or more amqp-sequence sections.</summary>
    Sequence,

    /// <summary>One amqp-value section.</summary>
    Value,
}

/// <summary>Why a message cannot be taken: the error of its <c>rejected</c> outcome.</summary>
/// <param name="Condition">The AMQP error condition.</param>
/// <param name="Text">What is wrong. Holds nothing of the message.</param>
public readonly record struct MessageProblem(string Condition, string Text);
