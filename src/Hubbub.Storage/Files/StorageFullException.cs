namespace Hubbub.Storage.Files;

/// <summary>There is no room (or quota) left on the disk for what was to be written.</summary>
public sealed class StorageFullException(string message, Exception? inner = null) : IOException(message, inner);
