using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Hubbub.Client;

/// <summary>
/// Checkpoints as small JSON files in a directory, one a partition. A file is written beside the last one and then
/// takes its name, so that a crash leaves the old one or the new one, and both are whole. Processes may share a
/// directory: each file is always somebody's last checkpoint.
/// </summary>
public sealed class FileCheckpointStore : ICheckpointStore
{
    private const int FileBytesMax = 4_096;

    /// <summary>File systems take names of 255 bytes, of which the file beside it needs 37 more.</summary>
    private const int NameCharsMax = 200;

    /// <summary>
    /// What a crash has left beside the files is as old as that; what another process writes now is not.
    /// </summary>
    private static readonly TimeSpan LeftOverAfter = TimeSpan.FromHours(1);

    private readonly string _directory;

    /// <summary>A store in this directory, which is made if it is not there.</summary>
    public FileCheckpointStore(string directory)
    {
        _directory = Path.GetFullPath(directory);
        Directory.CreateDirectory(_directory);
        RemoveLeftOvers();
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The file is there and is no checkpoint.</exception>
    public async ValueTask<Checkpoint?> LoadAsync(CheckpointKey key, CancellationToken cancellationToken)
    {
        var path = PathOf(key);
        byte[] content;
        try
        {
            content = await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        try
        {
            using var document = JsonDocument.Parse(content);
            var root = document.RootElement;
            return new Checkpoint(
                root.GetProperty("sequenceNumber").GetInt64(), root.GetProperty("offset").GetString() ?? "");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException
            or FormatException)
        {
            throw new InvalidDataException($"'{path}' is no checkpoint; delete it to begin anew. ({e.Message})", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask SaveAsync(CheckpointKey key, Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(FileBytesMax);
        using (var json = new Utf8JsonWriter(content))
        {
            json.WriteStartObject();
            json.WriteNumber("sequenceNumber", checkpoint.SequenceNumber);
            json.WriteString("offset", checkpoint.Offset);
            json.WriteEndObject();
        }
        var path = PathOf(key);
        var beside = $"{path}.{Guid.NewGuid():N}.new";
        try
        {
            // Written through, so that the name never stands for bytes that a crash has lost.
            var file = new FileStream(
                beside, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.WriteThrough);
            await using (file.ConfigureAwait(false))
            {
                await file.WriteAsync(content.GetBuffer().AsMemory(0, (int)content.Length), cancellationToken)
                    .ConfigureAwait(false);
            }
            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }

    // Each part is escaped, so that none can lead out of the directory.
    private string PathOf(CheckpointKey key)
    {
        var name =
            $"{Escape(key.HostName)}~{Escape(key.EventHub)}~{Escape(key.ConsumerGroup)}~{Escape(key.PartitionId)}";
        if (name.Length > NameCharsMax)
            name = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
        return Path.Combine(_directory, $"{name}.json");
    }

    private void RemoveLeftOvers()
    {
        var before = TimeProvider.System.GetUtcNow().UtcDateTime - LeftOverAfter;
        foreach (var file in Directory.EnumerateFiles(_directory, "*.json.*.new"))
        {
            try
            {
                if (File.GetLastWriteTimeUtc(file) < before)
                    File.Delete(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It is in nobody's way.
            }
        }
    }

    private static string Escape(string part) =>
        Uri.EscapeDataString(part).Replace("~", "%7E", StringComparison.Ordinal);
}
