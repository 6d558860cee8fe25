using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Json;
using Hubbub.Core;

namespace Hubbub.Server.Http;

/// <summary>
/// The answer to an import, as JSON lines: each refused line with its number, id and reason, how far it is after each
/// batch, and at the end a summary, whose absence says that the import was cut off. Many clients read nothing before
/// they have sent everything, so nothing here waits for the client. Safe for concurrent use.
/// </summary>
internal sealed class ImportReport(PipeWriter output)
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lock _lock = new();
    private Task _flush = Task.CompletedTask;
    private long _changed;
    private long _unchanged;
    private long _failed;
    private long _twins;

    public void Accept(bool isChange)
    {
        lock (_lock)
        {
            if (isChange)
                _changed++;
            else
                _unchanged++;
        }
    }

    public void PassOverTwin()
    {
        lock (_lock)
            _twins++;
    }

    public void Refuse(long line, string? id, string? moduleId, HubError error)
    {
        lock (_lock)
        {
            // The client may read nothing yet, so what waits for it is bounded.
            if (_failed++ >= ApiLimits.ImportErrorsListedMax)
                return;
            using var json = new Utf8JsonWriter(output, Options);
            json.WriteStartObject();
            json.WriteNumber("line", line);
            if (id is not null)
                json.WriteString("id", Shorten(id));
            if (!string.IsNullOrEmpty(moduleId))
                json.WriteString("moduleId", Shorten(moduleId));
            json.WriteString("errorCode", HttpErrors.NameOf(error.Code));
            json.WriteString("error", error.Message);
            json.WriteEndObject();
            End(json);
        }
    }

    /// <summary>Says how far it is.</summary>
    public void Progress()
    {
        lock (_lock)
        {
            using var json = new Utf8JsonWriter(output, Options);
            json.WriteStartObject();
            json.WriteNumber("done", _changed + _unchanged + _failed);
            json.WriteEndObject();
            End(json);
            if (_flush.IsCompleted)
                _flush = output.FlushAsync(CancellationToken.None).AsTask();
        }
    }

    /// <summary>Writes the summary and waits until everything is sent.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            using var json = new Utf8JsonWriter(output, Options);
            json.WriteStartObject();
            json.WriteNumber("changed", _changed);
            json.WriteNumber("unchanged", _unchanged);
            json.WriteNumber("failed", _failed);
            json.WriteNumber("failedNotListed", Math.Max(0, _failed - ApiLimits.ImportErrorsListedMax));
            json.WriteNumber("twinsNotImported", _twins);
            json.WriteEndObject();
            End(json);
        }
        await _flush;
        await output.FlushAsync(cancellationToken);
    }

    private void End(Utf8JsonWriter json)
    {
        json.Flush();
        output.GetSpan(1)[0] = (byte)'\n';
        output.Advance(1);
    }

    private static string Shorten(string id) => id.Length <= 256 ? id : id[..256] + "...";
}
