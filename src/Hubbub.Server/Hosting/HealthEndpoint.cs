using Microsoft.AspNetCore.Http;

namespace Hubbub.Server.Hosting;

/// <summary>
/// <c>GET /healthz</c>: 200 when every listener accepts and the data directory takes writes, else 503. Says nothing
/// else to people who have not shown who they are.
/// </summary>
internal sealed class HealthEndpoint(string dataDirectory, TimeProvider time)
{
    /// <summary>A probe writes to the disk; anybody may ask, so not every question is one.</summary>
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private long _probedAt;
    private bool _isWritable;

    /// <summary>True from the moment at which every listener accepts until the stop begins.</summary>
    public bool IsAccepting { get; set; }

    public Task InvokeAsync(HttpContext context)
    {
        var problem = !IsAccepting ? "not accepting" : !IsStorageWritable() ? "storage not writable" : null;
        context.Response.StatusCode =
            problem is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync((problem ?? "ok") + "\n", context.RequestAborted);
    }

    private bool IsStorageWritable()
    {
        lock (_lock)
        {
            if (_probedAt == 0 || time.GetElapsedTime(_probedAt) >= ProbeInterval)
            {
                _probedAt = Math.Max(1, time.GetTimestamp());
                _isWritable = Probe();
            }
            return _isWritable;
        }
    }

    private bool Probe()
    {
        var path = Path.Combine(dataDirectory, "health.probe");
        try
        {
            File.WriteAllBytes(path, new byte[4096]);
            File.Delete(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
