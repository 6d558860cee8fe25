using System.Buffers;
using System.Text.Json;
using Hubbub.Core;
using Hubbub.Core.Identities;

namespace Hubbub.Server.Http;

/// <summary>
/// One import: lines become operations, a few thousand of them one transaction. While one batch is stored the next one
/// is read. A line that is refused is reported, and the import goes on.
/// </summary>
internal sealed class RegistryImport(IdentityRegistry registry, ImportReport report)
{
    private readonly LineSplitter _lines = new(ApiLimits.ImportLineBytesMax);
    private List<(long Line, IdentityOperation Operation)> _batch = [];
    private Task _storing = Task.CompletedTask;

    /// <summary>Reads lines until the client has sent all.</summary>
    public async Task RunAsync(System.IO.Pipelines.PipeReader input, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(cancellationToken);
                var buffer = read.Buffer;
                while (Take(ref buffer, read.IsCompleted))
                {
                    if (_batch.Count == ApiLimits.ImportBatchLines)
                        await StoreAsync(cancellationToken);
                }
                input.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted)
                    break;
            }
            await StoreAsync(cancellationToken);
        }
        finally
        {
            // What was begun is finished also when the client has gone: its outcome is the registry's, not the
            // request's.
            await _storing;
        }
    }

    /// <summary>Reads one line; false when there is no whole one.</summary>
    private bool Take(ref ReadOnlySequence<byte> buffer, bool isEnd)
    {
        if (!_lines.TryTake(ref buffer, isEnd, out var line))
            return false;
        if (_lines.IsTooLong)
        {
            report.Refuse(_lines.LineNumber, null, null, new(
                HubErrorCode.ArgumentInvalid, $"The line is longer than {ApiLimits.ImportLineBytesMax} bytes."));
            return true;
        }
        if (line.Trim(" \t"u8).IsEmpty)
            return true;
        var entry = Parse(line);
        if (entry is null)
        {
            report.Refuse(_lines.LineNumber, null, null, new(
                HubErrorCode.FormatError, "The line is not one JSON object of an exported device or module."));
            return true;
        }
        var operation = ToOperation(entry);
        if (!operation.IsOk)
        {
            report.Refuse(_lines.LineNumber, entry.Id, entry.ModuleId, operation.Error!);
            return true;
        }
        if (entry.HasTwin)
            report.PassOverTwin();
        _batch.Add((_lines.LineNumber, operation.Value));
        return true;
    }

    private static BulkEntry? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, ApiJson.Default.BulkEntry);
        }
        catch (JsonException)
        {
            return null; // Its text would quote the line, and so a key.
        }
    }

    private static HubResult<IdentityOperation> ToOperation(BulkEntry entry)
    {
        if (string.IsNullOrEmpty(entry.Id))
            return new HubError(HubErrorCode.ArgumentNull, "The line has no id.");
        var operation = entry.ToOperation();
        return operation.IsOk
            ? operation.Value with { IsImport = true, NewETag = IfMatch.IsTag(entry.ETag) ? entry.ETag : null }
            : operation;
    }

    private async Task StoreAsync(CancellationToken cancellationToken)
    {
        await _storing;
        cancellationToken.ThrowIfCancellationRequested();
        var batch = _batch;
        _batch = new(batch.Count);
        _storing = StoreAsync(batch);
    }

    private async Task StoreAsync(List<(long Line, IdentityOperation Operation)> batch)
    {
        // Away from the reading: deciding and encrypting a batch takes as long as reading one.
        await Task.Yield();
        var operations = batch.ConvertAll(static entry => entry.Operation);
        var outcomes = await registry.ApplyAsync(operations, CancellationToken.None);
        for (var i = 0; i < batch.Count; i++)
        {
            var (line, operation) = batch[i];
            if (outcomes[i].Error is { } error)
                report.Refuse(line, operation.DeviceId, operation.Module?.ModuleId, error);
            else
                report.Accept(outcomes[i].IsChange);
        }
        report.Progress();
    }
}
