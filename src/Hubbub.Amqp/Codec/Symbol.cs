namespace Hubbub.Amqp.Codec;

/// <summary>A symbol: ASCII text from a constrained domain (AMQP 1.6.21).</summary>
/// <param name="Value">The text.</param>
public readonly record struct Symbol(string Value)
{
    /// <summary>The symbol of this text.</summary>
    public static implicit operator Symbol(string value) => new(value);

    /// <summary>The text.</summary>
    public override string ToString() => Value ?? "";
}
