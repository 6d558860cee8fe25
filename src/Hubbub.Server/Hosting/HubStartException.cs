namespace Hubbub.Server.Hosting;

/// <summary>The hub cannot start. The message says what, which, why, and what to do about it.</summary>
public sealed class HubStartException(string message, Exception? inner = null) : Exception(message, inner);
