namespace Hubbub.Core.Routing.Query;

/// <summary>What a condition says of a message. Only true routes it.</summary>
public enum TriState : byte
{
    /// <summary>Something that the condition asks for is not there, or not of the right kind.</summary>
    Undefined,
    False,
    True,
}
