using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Hubbub.Core.Security;

/// <summary>
/// What lay between a proven client certificate and its authority. A client that resumes a TLS session is not asked for
/// its chain again, and the session keeps nothing but the client's own certificate; the rest is found here then.
/// Nothing is trusted for being here. Safe for concurrent use.
/// </summary>
internal sealed class KnownChains
{
    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, byte[][]> _byLeaf = [];
    private readonly Dictionary<string, byte[][]> _chains = [];

    /// <summary>
    /// Keeps a chain. When there are too many, all are forgotten: then no session of before may be resumed either.
    /// </summary>
    /// <param name="leaf">The client's certificate, DER.</param>
    /// <param name="between">What lay between it and the authority, DER.</param>
    /// <returns>False when the others were forgotten.</returns>
    public bool Remember(byte[] leaf, byte[][] between)
    {
        var key = KeyOf(leaf);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var certificate in between)
            hash.AppendData(certificate);
        var chainKey = Convert.ToHexString(hash.GetHashAndReset());
        lock (_gate)
        {
            var isFull = (_byLeaf.Count >= SecurityLimits.KnownChainsMax && !_byLeaf.ContainsKey(key))
                || (_chains.Count >= SecurityLimits.DistinctChainsMax && !_chains.ContainsKey(chainKey));
            if (isFull)
            {
                _byLeaf.Clear();
                _chains.Clear();
            }
            // The devices of one intermediate authority share its certificate here.
            if (!_chains.TryGetValue(chainKey, out var chain))
                _chains[chainKey] = chain = between;
            _byLeaf[key] = chain;
            return !isFull;
        }
    }

    /// <summary>What once lay above a certificate; nothing when it was not proven before.</summary>
    public byte[][] Above(byte[] leaf)
    {
        lock (_gate)
            return _byLeaf.GetValueOrDefault(KeyOf(leaf)) ?? [];
    }

    private static UInt128 KeyOf(byte[] leaf) => BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(leaf));
}
