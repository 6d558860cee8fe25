using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.Events;

/// <summary>
/// What makes a stream this stream, kept in a small text file at its root: its random id, its birth and its number of
/// partitions. The id salts every checksum, so a file of another log, or bytes that a sender made up, never pass for
/// ours.
/// </summary>
internal readonly record struct StreamIdentity(long Id, long CreatedMs, int PartitionCount)
{
    private const string FileName = "stream";
    private const string Title = "hubbub-stream 1";
    private const int FileBytesMax = 4096;

    /// <summary>The seed of the partition's batch checksums.</summary>
    public uint ChecksumSeed(int partition)
    {
        Span<byte> salt = stackalloc byte[12];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(salt, Id);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(salt[8..], partition);
        return Checksum.Compute(0, salt);
    }

    /// <summary>Reads the stream's identity, or makes one in a directory that has none.</summary>
    public static StreamIdentity ReadOrCreate(
        IFileSystem files, string directory, int partitionCount, TimeProvider time)
    {
        files.CreateDirectory(directory);
        var path = Path.Combine(directory, FileName);
        foreach (var file in files.List(directory))
        {
            if (file.Name != FileName)
                continue;
            // A process that ended between the rename and this sync must not leave a name that a power cut takes back.
            files.SyncDirectory(directory);
            return Read(files, path);
        }
        Span<byte> id = stackalloc byte[sizeof(long)];
        RandomNumberGenerator.Fill(id);
        var identity = new StreamIdentity(
            BitConverter.ToInt64(id), time.GetUtcNow().ToUnixTimeMilliseconds(), partitionCount);
        identity.Write(files, directory, path);
        return identity;
    }

    private void Write(IFileSystem files, string directory, string path)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture, $"{Title}\nid {Id:x16}\ncreated {CreatedMs}\npartitions {PartitionCount}\n");
        text += Check(text);
        var temporary = path + ".new";
        using (var file = files.Create(temporary))
        {
            file.Write(Encoding.ASCII.GetBytes(text), 0);
            file.Sync();
        }
        files.Rename(temporary, path);
        files.SyncDirectory(directory);
    }

    private static StreamIdentity Read(IFileSystem files, string path)
    {
        var bytes = new byte[FileBytesMax];
        using var file = files.Open(path);
        var text = Encoding.ASCII.GetString(bytes, 0, file.Read(bytes, 0));
        var lines = text.Split('\n');
        if (lines.Length != 6 || lines[0] != Title)
            throw new EventLogFormatException($"{path} is not a stream description that this version understands");
        var covered = text[..(text.LastIndexOf("check", StringComparison.Ordinal) is var at and >= 0 ? at : 0)];
        if (Check(covered) != lines[4] + "\n")
            throw new EventLogFormatException($"{path} does not match its checksum; restore it from a backup");
        return new StreamIdentity(
            long.Parse(Value(lines[1], "id "), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
            long.Parse(Value(lines[2], "created "), CultureInfo.InvariantCulture),
            int.Parse(Value(lines[3], "partitions "), CultureInfo.InvariantCulture));
    }

    private static string Check(string text) =>
        string.Create(CultureInfo.InvariantCulture, $"check {Checksum.Compute(0, Encoding.ASCII.GetBytes(text)):x8}\n");

    private static string Value(string line, string name) => line.StartsWith(name, StringComparison.Ordinal)
        ? line[name.Length..]
        : throw new EventLogFormatException($"A stream description has the line '{line}' where '{name}' belongs");
}

/// <summary>A file of the log cannot be this version's: of another version, of another log, or destroyed.</summary>
public sealed class EventLogFormatException(string message) : IOException(message);
