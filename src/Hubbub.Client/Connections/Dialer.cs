using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hubbub.Client.Connections;

/// <summary>Makes a connection: the bytes, both ways.</summary>
internal delegate Task<IDuplexPipe> Dial(ServerAddress address, CancellationToken cancellationToken);

/// <summary>Connects over TCP, and TLS on it.</summary>
internal static class Dialer
{
    // A TLS record holds 16 KiB; a plain socket gives more at once when the server is fast.
    private const int ReadBufferBytes = 64 << 10;

    /// <exception cref="HubbubException">Unreachable, or not to be trusted.</exception>
    public static async Task<IDuplexPipe> DialAsync(ServerAddress address, CancellationToken cancellationToken)
    {
        var policy = address.CaFile is null ? null : TrustOnly(address);
        var stream = await ConnectAsync(address, cancellationToken).ConfigureAwait(false);
        if (!address.UsesTls)
            return new StreamDuplexPipe(stream, ReadBufferBytes);
        var tls = new SslStream(stream);
        try
        {
            var options = new SslClientAuthenticationOptions { TargetHost = address.HostName };
            if (policy is not null)
                options.CertificateChainPolicy = policy;
            await tls.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
            return new StreamDuplexPipe(tls, ReadBufferBytes);
        }
        catch (Exception e)
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            if (e is AuthenticationException)
                throw new HubbubException(HubbubCondition.Untrusted, Explain(address), address.ToString(), null, e);
            if (e is IOException)
                throw new HubbubException(
                    HubbubCondition.Unreachable, $"TLS broke off: {e.Message}", address.ToString(), null, e);
            throw;
        }
    }

    private static async Task<Stream> ConnectAsync(ServerAddress address, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address.DialHostName ?? address.HostName, address.Port, cancellationToken)
                .ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            var why = e.SocketErrorCode switch
            {
                SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain =>
                    "the name is not known to this machine",
                SocketError.ConnectionRefused => "nobody listens there; is the hub running?",
                _ => e.Message,
            };
            throw new HubbubException(HubbubCondition.Unreachable, why, address.ToString(), null, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static X509ChainPolicy TrustOnly(ServerAddress address)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(address.CaFile!);
            return policy;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            var why = $"the CA certificate '{address.CaFile}' cannot be read: {e.Message}";
            throw new HubbubException(HubbubCondition.Untrusted, why, address.ToString(), null, e);
        }
    }

    private static string Explain(ServerAddress address) => address.CaFile is null
        ? "the server's certificate is not trusted or is for another name; "
            + "name its CA with CaFile=FILE in the connection string"
        : $"the server's certificate was not issued by '{address.CaFile}', or is for another name";
}

/// <summary>A stream as two pipes; both ends completed dispose of it.</summary>
internal sealed class StreamDuplexPipe : IDuplexPipe
{
    public StreamDuplexPipe(Stream stream, int readBufferBytes)
    {
        Input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: readBufferBytes, leaveOpen: true));
        Output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: false));
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }
}
