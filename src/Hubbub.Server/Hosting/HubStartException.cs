namespace Hubbub.Server.Hosting;

/// <summary>The hub cannot start. The message is for the person who starts it: what, which, why, and what to do.</summary>
public sealed class HubStartException(string message, Exception? inner = null) : Exception(message, inner);
