using Hubbub.Amqp.Performatives;
using Hubbub.Core;
using Hubbub.Core.Security;

namespace Hubbub.Server.Amqp;

/// <summary>Decides on a client's SASL init: who it is, if it says so here and not later by put-token.</summary>
internal static class SaslAuthentication
{
    /// <summary>The mechanisms offered, in the original's order.</summary>
    public static readonly Hubbub.Amqp.Codec.Symbol[] Mechanisms = ["EXTERNAL", "MSSBCBS", "ANONYMOUS", "PLAIN"];

    /// <summary>Verifies what the client sent and answers it.</summary>
    public static void OnInit(HubConnection connection, SaslInit init)
    {
        string? holder = null;
        var refusal = init.Mechanism.Value switch
        {
            // Nothing is proven yet; all that such a connection may do is to put a token.
            "ANONYMOUS" or "MSSBCBS" => null,
            "EXTERNAL" => VerifyExternal(connection, out holder),
            "PLAIN" => VerifyPlain(connection, init.InitialResponse.GetValueOrDefault().Span, out holder),
            _ => "the mechanism is not offered",
        };
        if (refusal is null)
        {
            connection.Engine.CompleteSasl(SaslCode.Ok);
            return;
        }
        DelayedAnswers.Answer(connection, holder, () => connection.Engine.CompleteSasl(SaslCode.Auth));
        connection.Services.Logger.AmqpSaslRefused(
            connection.Peer.ConnectionId, AmqpErrors.Shorten(init.Mechanism.Value), AmqpErrors.Shorten(refusal));
    }

    // The authorization identity in the response is ignored, as PLAIN's is: the certificate alone says who this is.
    private static string? VerifyExternal(HubConnection connection, out string? holder)
    {
        holder = null;
        if (connection.Peer.ClientCertificate is not { } certificate)
            return "EXTERNAL needs a client certificate.";
        holder = Authenticator.HolderOf(certificate);
        var verified = connection.Services.Authenticator.Verify(certificate);
        if (!verified.IsOk)
            return verified.Error!.Message;
        foreach (var claim in verified.Value)
            connection.AddSaslClaim(claim);
        return null;
    }

    private static string? VerifyPlain(HubConnection connection, ReadOnlySpan<byte> response, out string? holder)
    {
        holder = null;
        var parsed = PlainCredentials.Parse(response, connection.Services.Hub);
        if (!parsed.IsOk)
            return parsed.Error!.Message;
        holder = Authenticator.HolderOf(parsed.Value);
        HubResult<Claim> verified = connection.Services.Authenticator.Verify(parsed.Value);
        if (!verified.IsOk)
            return verified.Error!.Message;
        connection.AddSaslClaim(verified.Value);
        return null;
    }
}
