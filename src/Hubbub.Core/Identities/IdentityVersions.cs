using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Hubbub.Core.Identities;

/// <summary>Makes each new version of an identity: its ETag, its generation, and what the registry adds.</summary>
/// <param name="lastGeneration">The highest one that was given so far.</param>
internal sealed class IdentityVersions(TimeProvider time, long lastGeneration)
{
    private long _lastGeneration = lastGeneration;

    public DeviceIdentity Create(DeviceDescription wanted, string? etag) =>
        Build(wanted, NextGeneration(), etag ?? NextETag(), null, null);

    public DeviceIdentity Update(DeviceDescription wanted, DeviceIdentity current) => Build(
        wanted,
        current.GenerationId,
        NextETag(),
        current.Status == wanted.Status ? current.StatusUpdatedTime : time.GetUtcNow(),
        current);

    public ModuleIdentity Create(ModuleDescription wanted, string? etag) =>
        Build(wanted, NextGeneration(), etag ?? NextETag(), null);

    public static ModuleIdentity Update(ModuleDescription wanted, ModuleIdentity current) =>
        Build(wanted, current.GenerationId, NextETag(), current.Authentication);

    private static DeviceIdentity Build(
        DeviceDescription wanted,
        string generationId,
        string etag,
        DateTimeOffset? statusUpdatedTime,
        DeviceIdentity? current)
    {
        var scope = NullIfEmpty(EdgeIdentities.ScopeOf(wanted, current, generationId));
        return new DeviceIdentity
        {
            DeviceId = wanted.DeviceId,
            GenerationId = generationId,
            ETag = etag,
            Status = wanted.Status,
            StatusReason = NullIfEmpty(wanted.StatusReason),
            StatusUpdatedTime = statusUpdatedTime,
            Authentication = AuthenticationRules.Complete(wanted.Authentication, current?.Authentication),
            IotEdge = wanted.IotEdge,
            DeviceScope = scope,
            // A child may name its parent in either place.
            ParentScopes = wanted.ParentScopes.IsEmpty && !wanted.IotEdge && scope is not null
                ? [scope]
                : wanted.ParentScopes,
        };
    }

    private static ModuleIdentity Build(
        ModuleDescription wanted, string generationId, string etag, IdentityAuthentication? current) => new()
        {
            DeviceId = wanted.DeviceId,
            ModuleId = wanted.ModuleId,
            GenerationId = generationId,
            ETag = etag,
            ManagedBy = NullIfEmpty(wanted.ManagedBy),
            Authentication = AuthenticationRules.Complete(wanted.Authentication, current),
        };

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    /// <summary>
    /// A new ETag: base64 of a random nine-digit number, so that a re-created record never has an old one's.
    /// </summary>
    private static string NextETag() => Convert.ToBase64String(
        Encoding.ASCII.GetBytes(RandomNumberGenerator.GetInt32(100_000_000, 1_000_000_000)
            .ToString(CultureInfo.InvariantCulture)));

    /// <summary>A new generation: the clock's ticks (18 digits until the year 3168), made strictly rising.</summary>
    private string NextGeneration()
    {
        while (true)
        {
            var last = Volatile.Read(ref _lastGeneration);
            var next = Math.Max(last + 1, time.GetUtcNow().Ticks);
            if (Interlocked.CompareExchange(ref _lastGeneration, next, last) == last)
                return next.ToString("D18", CultureInfo.InvariantCulture);
        }
    }
}
