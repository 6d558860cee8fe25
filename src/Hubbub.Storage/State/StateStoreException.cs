namespace Hubbub.Storage.State;

/// <summary>The state cannot be opened or written. The message says which file, why, and what to do.</summary>
public sealed class StateStoreException : IOException
{
    public StateStoreException(string message)
        : base(message)
    {
    }

    public StateStoreException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
