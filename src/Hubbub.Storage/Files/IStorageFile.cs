namespace Hubbub.Storage.Files;

/// <summary>
/// One open file. Reads may run at any time; writes, truncation and syncs come from one thread at a time.
/// Failures are thrown as <see cref="IFileSystem"/> says.
/// </summary>
public interface IStorageFile : IDisposable
{
    /// <summary>Bytes in the file, preallocated zeros included.</summary>
    long Length { get; }

    /// <summary>Fills <paramref name="buffer"/> from <paramref name="offset"/> on.</summary>
    /// <returns>How many bytes were read; fewer than asked for only at the end of the file.</returns>
    int Read(Span<byte> buffer, long offset);

    /// <summary>
    /// Writes all of <paramref name="data"/>. When it throws, any part of the data may have been written.
    /// </summary>
    void Write(ReadOnlySpan<byte> data, long offset);

    /// <summary>Reserves room up to <paramref name="length"/> and extends the file with zeros to it.</summary>
    void Preallocate(long length);

    /// <summary>Sets the file's length; what lies behind it is gone.</summary>
    void Truncate(long length);

    /// <summary>
    /// Returns when all that was written is on stable storage. After a failure nothing may be assumed about any write
    /// since the last sync that returned, and calling it again proves nothing: the kernel forgets what it failed to
    /// write.
    /// </summary>
    void Sync();

    /// <summary>
    /// The first position from <paramref name="offset"/> on that may hold something else than zeros;
    /// <see cref="Length"/> when there is none. <paramref name="offset"/> itself is always a correct answer.
    /// </summary>
    long SeekData(long offset);
}
