using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using Hubbub.Core.Security;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Hubbub.Server.Hosting;

/// <summary>
/// Takes the certificates that peers show from their TLS handshakes to those who decide about them, as the connection
/// feature <see cref="ClientCertificate"/>.
/// </summary>
internal sealed class PeerCertificates
{
    /// <summary>The platform hands out what a peer sent beside its own certificate during the handshake only.</summary>
    private readonly ConditionalWeakTable<SslStream, byte[][]> _sentBeside = [];

    /// <summary>
    /// The handshake's callback: everybody is let in. TLS has seen that the peer holds the certificate's key; whom it
    /// proves, if anybody, is decided where an identity is claimed.
    /// </summary>
    public bool Keep(object sender, X509Chain? chain)
    {
        if (sender is SslStream stream && chain is { ChainPolicy.ExtraStore.Count: > 0 and var count })
        {
            var sent = new byte[Math.Min(count, SecurityLimits.IntermediatesMax + 1)][];
            for (var i = 0; i < sent.Length; i++)
                sent[i] = chain.ChainPolicy.ExtraStore[i].RawData;
            _sentBeside.AddOrUpdate(stream, sent);
        }
        return true;
    }

    /// <summary>The connection middleware behind TLS.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="next">What comes behind.</param>
    /// <param name="meet">Told of each certificate.</param>
    public Task ShowAsync(ConnectionContext connection, ConnectionDelegate next, Action<ClientCertificate> meet)
    {
        if (connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } leaf)
        {
            var stream = connection.Features.Get<ISslStreamFeature>()?.SslStream;
            byte[][]? sent = null;
            if (stream is not null && _sentBeside.TryGetValue(stream, out sent))
                _sentBeside.Remove(stream);
            var own = leaf.RawData;
            var certificate = ClientCertificate.Of(leaf, sent?.Where(each => !each.AsSpan().SequenceEqual(own)));
            meet(certificate);
            connection.Features.Set(certificate);
        }
        return next(connection);
    }
}
