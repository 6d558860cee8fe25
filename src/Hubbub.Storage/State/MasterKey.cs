using System.Security.Cryptography;
using Hubbub.Storage.Files;

namespace Hubbub.Storage.State;

/// <summary>
/// The 32-byte key under which all stored keys are encrypted: base64 text in a file that only its owner may read, made
/// on the first start. Whoever copies the database without it has no keys.
/// </summary>
internal static class MasterKey
{
    private const int Length = 32;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode AnybodyElse = ~(OwnerOnly | UnixFileMode.UserExecute);

    /// <summary>
    /// Reads the key, or makes one when the file does not exist and <paramref name="mayCreate"/> says so.
    /// </summary>
    /// <exception cref="StateStoreException">The file is missing, open to others, or does not hold a key.</exception>
    public static byte[] Load(string path, bool mayCreate)
    {
        if (!File.Exists(path))
        {
            return mayCreate ? Create(path) : throw new StateStoreException(
                $"The master key {path} is missing, and no stored key can be read without. Restore it from a backup.");
        }
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & AnybodyElse) != 0)
        {
            throw new StateStoreException(
                $"The master key {path} may be read or changed by others. Run: chmod 600 '{path}'");
        }
        var key = new byte[Length];
        return Convert.TryFromBase64String(File.ReadAllText(path).Trim(), key, out var written) && written == Length
            ? key
            : throw new StateStoreException($"The master key {path} does not hold the base64 text of {Length} bytes.");
    }

    private static byte[] Create(string path)
    {
        var key = RandomNumberGenerator.GetBytes(Length);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        // Complete or absent: a torn key file would make everything that is encrypted under it unreadable.
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, options))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(key) + "\n"));
            file.Flush();
            NativeFile.SyncData(file.SafeFileHandle, temporary);
        }
        File.Move(temporary, path);
        NativeFile.SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return key;
    }
}
