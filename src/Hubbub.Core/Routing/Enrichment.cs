using System.Collections.Immutable;

namespace Hubbub.Core.Routing;

/// <summary>An application property that the hub adds to messages on their way to some endpoints.</summary>
/// <param name="Key">The property's name; one that the device set itself is replaced.</param>
/// <param name="Value">
/// A text, <c>$iothubname</c>, or a path of the device's twin (<c>$twin.tags.site</c>); a path that leads nowhere
/// gives its own text.
/// </param>
/// <param name="Endpoints">The endpoints' names.</param>
public sealed record Enrichment(string Key, string Value, ImmutableArray<string> Endpoints)
{
    /// <summary>The value that stands for the hub's name.</summary>
    public const string HubName = "$iothubname";

    public bool Equals(Enrichment? other) =>
        other is not null && Key == other.Key && Value == other.Value
            && Endpoints.AsSpan().SequenceEqual(other.Endpoints.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Key, Value, Endpoints.Length);
}
