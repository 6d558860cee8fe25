using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Hubbub.Core;
using Hubbub.Core.Identities;

namespace Hubbub.Server.Http;

/// <summary>
/// Where the next page of a result begins, as text that clients send back as it is. It holds the place only, so it may
/// be used again, after a restart too; with another query it is refused.
/// </summary>
/// <param name="Left">Rows that the whole result may still have; negative: no bound.</param>
/// <param name="DeviceId">The last row's device.</param>
/// <param name="ModuleId">The last row's module; null for a device.</param>
internal readonly record struct QueryContinuation(int Left, string DeviceId, string? ModuleId)
{
    private const byte Version = 1;
    private const int HashBytes = 8;
    private const int HeadBytes = 1 + HashBytes + sizeof(int);
    private const int CharsMax = 512; // Two ids of the greatest length are less.

    public string Write(string query)
    {
        var place = ModuleId is null ? DeviceId : $"{DeviceId}/{ModuleId}";
        var bytes = new byte[HeadBytes + Encoding.UTF8.GetByteCount(place)];
        bytes[0] = Version;
        Hash(query).CopyTo(bytes, 1);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(1 + HashBytes), Left);
        Encoding.UTF8.GetBytes(place, bytes.AsSpan(HeadBytes));
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Reads what <see cref="Write"/> gave for the same query.</summary>
    public static HubResult<QueryContinuation> Read(string text, string query)
    {
        if (text.Length > CharsMax || !Base64Url.IsValid(text))
            return Invalid("is not one that this hub gave");
        var bytes = Base64Url.DecodeFromChars(text);
        if (bytes.Length <= HeadBytes || bytes[0] != Version)
            return Invalid("is not one that this hub gave");
        if (!bytes.AsSpan(1, HashBytes).SequenceEqual(Hash(query)))
            return Invalid("belongs to another query");
        var left = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(1 + HashBytes));
        var place = Encoding.UTF8.GetString(bytes.AsSpan(HeadBytes)).Split('/');
        return left != 0 && place.Length <= 2 && place.All(id => IdentityId.IsValid(id))
            ? new QueryContinuation(left, place[0], place.Length == 2 ? place[1] : null)
            : Invalid("is not one that this hub gave");
    }

    private static byte[] Hash(string query) => SHA256.HashData(Encoding.UTF8.GetBytes(query))[..HashBytes];

    private static HubError Invalid(string why) =>
        new(HubErrorCode.ArgumentInvalid, $"The header x-ms-continuation {why}. Begin without it.");
}
