namespace Hubbub.Core.Routing;

/// <summary>Which messages go where.</summary>
/// <param name="Name">Unique among routes, ignoring case.</param>
/// <param name="Source">What it listens to.</param>
/// <param name="Condition">In the routing query language; <c>true</c> for all messages.</param>
/// <param name="Endpoint">The name of an endpoint.</param>
/// <param name="IsEnabled">A route that is not is as good as absent, but keeps its place.</param>
public sealed record Route(string Name, RouteSource Source, string Condition, string Endpoint, bool IsEnabled = true);

/// <summary>Where telemetry goes that no route wanted.</summary>
/// <param name="Endpoint">The name of an endpoint.</param>
/// <param name="IsEnabled">False: such telemetry is dropped, and counted.</param>
public sealed record FallbackRoute(string Endpoint = RouteEndpoint.BuiltIn, bool IsEnabled = true);
