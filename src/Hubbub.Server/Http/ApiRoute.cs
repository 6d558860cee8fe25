using Hubbub.Core;

namespace Hubbub.Server.Http;

/// <summary>
/// One operation of the HTTPS service: what is asked for, what serves it, and what its description says.
/// </summary>
/// <param name="Method">The HTTP method, in upper case.</param>
/// <param name="Template">The path; a segment in braces stands for any, and is known by that name afterwards.</param>
/// <param name="Summary">What it does, in a sentence; null for what the service documents and this hub lacks.</param>
/// <param name="Serve">Answers the request, or returns the refusal; null: answered 501.</param>
internal sealed record ApiRoute(
    string Method, string Template, string? Summary = null, Func<ApiRequest, Task<HubError?>>? Serve = null)
{
    /// <summary>The schema of a body that is whatever its sender wants.</summary>
    public const string Bytes = "bytes";

    /// <summary>The segments of <see cref="Template"/>.</summary>
    public string[] Segments { get; } = Template.Trim('/').Split('/');

    /// <summary>True for what needs neither a token nor an api-version: it tells nothing of this hub.</summary>
    public bool IsPublic { get; init; }

    /// <summary>The schema of the body that it takes; null: none.</summary>
    public string? Takes { get; init; }

    /// <summary>The schema of the body of a 200; null: the answer is 204.</summary>
    public string? Gives { get; init; }

    /// <summary>Parameters beside the path's and the api-version, by their names in the document.</summary>
    public string[] Parameters { get; init; } = [];

    /// <summary>Statuses with a body of their own beside 200 and 204, and their schema.</summary>
    public (int Status, string Schema)[] Also { get; init; } = [];

    public static bool IsParameter(string segment) => segment.StartsWith('{');
}
